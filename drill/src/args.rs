//! The command line.

use std::path::PathBuf;

use lexopt::Arg::Long;
use lexopt::ValueExt;

/// What is printed with a word that is not understood.
pub(crate) const HELP: &str = "\
drill [--quick | --full] [--only NAME] [--markdown FILE] [--json FILE]
  --quick          about two minutes (the default)
  --full           everything, at full size
  --only NAME      only the scenarios whose name contains this
  --markdown FILE  write the table
  --json FILE      write everything that was measured";

/// A parsed command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) is_full: bool,
    pub(crate) only: Option<String>,
    pub(crate) markdown: Option<PathBuf>,
    pub(crate) json: Option<PathBuf>,
}

/// Reads the words.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Options, lexopt::Error> {
    let mut options = Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => options.is_full = false,
            Long("full") => options.is_full = true,
            Long("only") => options.only = Some(parser.value()?.string()?),
            Long("markdown") => options.markdown = Some(parser.value()?.into()),
            Long("json") => options.json = Some(parser.value()?.into()),
            other => return Err(other.unexpected()),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_is_the_default() {
        let parsed = |words: &[&str]| parse(lexopt::Parser::from_args(words)).unwrap();
        assert!(!parsed(&[]).is_full);
        let full = parsed(&["--full", "--only", "kill", "--json", "x"]);
        assert_eq!((full.is_full, full.only.as_deref()), (true, Some("kill")));
        assert!(parse(lexopt::Parser::from_args(["--ful"])).is_err());
    }
}
