//! Cases that other projects test by name, as they stand here: AWS Powertools (idempotency, batches), BullMQ (stalled
//! jobs), River (rescuer), Oban (lifeline). Only those that no other test of Docent shows already; the whole list is in
//! docs/reliability.md.

mod batches;
mod idempotency;
mod rescue;

use std::path::Path;

/// docs/reliability.md names the test of each promise and of each case: `file::function`, the file in `tests/` unless a
/// path says otherwise.
#[test]
fn every_test_that_the_documentation_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |name| std::fs::read_to_string(root.join("docs").join(name)).unwrap();
    let text = ["reliability.md", "security.md"].map(read).join("\n");
    let mut named = 0;
    for name in text.split('`').skip(1).step_by(2) {
        let Some((file, function)) = name.rsplit_once("::") else {
            continue;
        };
        let folder = if file.contains('/') { "" } else { "tests" };
        let file = root.join(folder).join(format!("{}.rs", file.replace("::", "/")));
        let code = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{name}: no {}", file.display()));
        assert!(code.contains(&format!("fn {function}(")), "{name}");
        named += 1;
    }
    assert!(named > 180, "{named}");
}
