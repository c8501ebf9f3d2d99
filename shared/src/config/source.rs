//! Where the values came from that were given by a name, so that one of them can be read again.

use std::fmt;
use std::sync::Arc;

use super::{Env, SecretsConfig};

/// The names of the environment that a function started with, and its other variables. Cheap to clone; there is nothing
/// in it where every value was given itself.
#[derive(Clone, Default)]
pub struct Source(Option<Arc<Parts>>);

struct Parts {
    names: SecretsConfig,
    /// The variables as they were read at the start.
    env: Env,
}

impl Source {
    /// `env` has the values in the place of the names already.
    pub(crate) fn new(names: SecretsConfig, env: &Env) -> Self {
        let env = env.without_problems();
        Self(Some(Arc::new(Parts { names, env })))
    }

    /// What has to be read to have this variable alone, and the environment of the start; `None` if the variable was not
    /// given by a name.
    pub(crate) fn of(&self, variable: &'static str) -> Option<(SecretsConfig, Env)> {
        let parts = self.0.as_ref()?;
        let names = parts.names.only(variable);
        (!names.is_empty()).then(|| (names, parts.env.without_problems()))
    }
}

/// The variables hold secrets, so nothing of them is shown.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}
