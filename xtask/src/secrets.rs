//! Secrets of a local stack: made at random once, kept in files that only their owner can read.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Reads the secret of this name, or makes it: 64 hexadecimal characters, 256 bits.
///
/// # Errors
/// If the file cannot be read or written.
pub(crate) fn get_or_make(directory: &Path, name: &str) -> Result<String> {
    let path = directory.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().len() == 64 => return Ok(text.trim().to_owned()),
        // Cut short by a full disk or a crash: worthless, made again.
        Ok(_) => std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    }
    let secret = random()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("create {}", path.display()))?;
    writeln!(file, "{secret}").with_context(|| format!("write {}", path.display()))?;
    Ok(secret)
}

fn random() -> Result<String> {
    let mut bytes = [0_u8; 32];
    let mut source = std::fs::File::open("/dev/urandom").context("open the random source")?;
    source.read_exact(&mut bytes).context("read the random source")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_private() {
        let directory = std::env::temp_dir().join(format!("xtask-secrets-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let first = get_or_make(&directory, "one").unwrap();
        assert_eq!(get_or_make(&directory, "one").unwrap(), first);
        assert_ne!(get_or_make(&directory, "two").unwrap(), first);
        let mode = std::fs::metadata(directory.join("one")).unwrap().permissions().mode();
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(mode & 0o777, 0o600);
    }
}
