//! Perl regular expressions of the schema, as far as they occur there.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use regex_lite::Regex;

static COMPILED: Mutex<BTreeMap<String, Option<Regex>>> = Mutex::new(BTreeMap::new());

/// Reports whether the whole text matches (`m/^PATTERN$/`). A pattern that cannot be read here matches everything: a
/// value that Proxmox would accept must not be refused.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = compiled.entry(pattern.to_owned()).or_insert_with(|| Regex::new(&translated(pattern)).ok());
    // Perl's `$` also matches before a last line break.
    let text = text.strip_suffix('\n').unwrap_or(text);
    regex.as_ref().is_none_or(|regex| regex.is_match(text))
}

/// Translates Perl's form of a compiled expression with its flags, `(?^i:…)`. Its alternatives have no brackets, and
/// `^` and `$` belong to the first and the last of them, as in Perl.
fn translated(pattern: &str) -> String {
    let body = pattern.replace("(?^:", "(?:").replace("(?^i:", "(?i:").replace("{,", "{0,").replace("\\0", "\\x00");
    format!("^{body}$")
}

#[cfg(test)]
mod tests {
    use super::super::description::{NAMED, TEXT};
    use super::*;

    #[test]
    fn patterns_are_perls() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text:?}");
        };
        check("(/dev/.+|socket)", "socket", true);
        check("(/dev/.+|socket)", "foo", false);
        check("(?^i:[a-z]+)", "AB", true);
        check("[A-Za-z0-9\\-_\\s]{,8}", "123456789", false);
        check("\\d{1,2}:\\d{1,2}", "11:30", true);
    }

    /// Every pattern of the schema can be read here.
    #[test]
    fn every_pattern_is_read() {
        for text in [TEXT, NAMED] {
            for part in text.split("\"pattern\":").skip(1) {
                let pattern: String = serde_json::Deserializer::from_str(part).into_iter().next().unwrap().unwrap();
                assert!(Regex::new(&translated(&pattern)).is_ok(), "{pattern}");
            }
        }
    }
}
