//! Sources: the environment of the process and the context that it asks for, from which settings come besides the request.

use std::collections::BTreeMap;
use std::fmt;

/// The environment variables of a process, read once, and the context that was asked for. Values of variables may be
/// secrets: none is ever printed.
#[derive(Clone, Default)]
pub struct Sources {
    variables: BTreeMap<String, String>,
    context: Option<String>,
}

impl Sources {
    /// The environment of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the one door to the environment")]
    pub fn of_process() -> Self {
        let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
        std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
    }

    /// The same with this context (`--context`), if one is asked for.
    #[must_use]
    pub fn with_context(self, context: Option<String>) -> Self {
        Self { context, ..self }
    }

    /// The context that was asked for.
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The value of a variable, where it is set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The names of the variables that begin with `prefix`, without it.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        self.variables.keys().filter_map(|name| name.strip_prefix(prefix).map(str::to_owned)).collect()
    }
}

impl FromIterator<(String, String)> for Sources {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().collect(), context: None }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sources")
            .field("variables", &self.variables.len())
            .field("context", &self.context)
            .finish()
    }
}
