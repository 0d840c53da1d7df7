//! Tables and archives below `fixtures/`.

use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::JudgeError;

/// Path of a file below `fixtures/`.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("..")).join("fixtures").join(name)
}

/// Reads a table, a JSON file.
pub(crate) fn table<T: DeserializeOwned>(name: &str) -> Result<T, JudgeError> {
    let path = path(name);
    let text = fs::read(&path).map_err(JudgeError::file(&path))?;
    serde_json::from_slice(&text).map_err(|source| JudgeError::Form { name: name.to_owned(), source })
}

/// A regular expression of a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern(pub(crate) Regex);

impl TryFrom<String> for Pattern {
    type Error = JudgeError;

    fn try_from(pattern: String) -> Result<Self, JudgeError> {
        match Regex::new(&pattern) {
            Ok(regex) => Ok(Self(regex)),
            Err(source) => Err(JudgeError::Pattern { pattern, source }),
        }
    }
}

impl Pattern {
    /// Reports whether the text begins with a match.
    pub(crate) fn begins(&self, text: &str) -> bool {
        self.0.find_iter(text).next().is_some_and(|found| found.start() == 0)
    }

    /// Reports whether a match is anywhere in the text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_looked_for_at_the_start_or_anywhere() {
        let check = |pattern: &str, text: &str, begins: bool, is_in: bool| {
            let pattern = Pattern::try_from(pattern.to_owned()).unwrap();
            assert_eq!((pattern.begins(text), pattern.is_in(text)), (begins, is_in), "{pattern:?} {text}");
        };
        check("qemu/", "qemu/100", true, true);
        check("qemu/", "guest-firewall/qemu/100", false, true);
        check("(lxc|qemu)/", "lxc/100", true, true);
        check("realm/", "qemu/100", false, false);
        assert!(Pattern::try_from("(".to_owned()).is_err());
    }
}
