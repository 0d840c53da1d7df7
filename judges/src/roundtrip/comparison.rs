//! Comparison of the code of two imports, object by object.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::rules::Rules;

/// An object whose code is not the same after the round trip.
#[derive(Debug, Serialize)]
pub(super) struct Differing {
    /// Identity of the object: `qemu/100`.
    pub(super) object: String,
    /// Lines that are on one side only, with `-` or `+` before them; `None` if the object is missing.
    pub(super) lines: Option<Vec<String>>,
    /// Known reason.
    pub(super) reason: Option<String>,
}

/// The objects of the first import that are different or missing in the second one.
pub(super) fn differences(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    rules: &Rules,
) -> Vec<Differing> {
    let differing = before.iter().filter_map(|(object, code)| {
        let Some(new) = after.get(object) else {
            return Some(Differing { object: object.clone(), lines: None, reason: rules.missing(object) });
        };
        let lines = changed(&settings(code), &settings(new));
        if lines.is_empty() {
            return None;
        }
        let reason = rules.different(object, &lines);
        Some(Differing { object: object.clone(), lines: Some(lines), reason })
    });
    differing.collect()
}

/// The lines of code that set something: no comments, nothing about how Terraform treats the object.
fn settings(code: &str) -> Vec<String> {
    let regex = |pattern: &str| Regex::new(pattern).expect("the pattern is a constant, and a test compiles it");
    let code = regex(r"(?ms)^  lifecycle \{\n.*?^  \}\n").replace_all(code, "");
    // A long text goes on in the next line.
    let code = regex(r"\\\n\s*").replace_all(&code, "");
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("# "));
    let lines = lines.map(|line| regex(r"\s+").replace_all(line, " ").into_owned());
    lines.filter(|line| !line.trim().is_empty()).collect()
}

/// The lines that only one side has.
fn changed(before: &[String], after: &[String]) -> Vec<String> {
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    let after: Vec<&str> = after.iter().map(String::as_str).collect();
    let difference = TextDiff::from_slices(&before, &after);
    let changes = difference.iter_all_changes().filter_map(|change| match change.tag() {
        ChangeTag::Delete => Some(format!("-{}", change.value())),
        ChangeTag::Insert => Some(format!("+{}", change.value())),
        ChangeTag::Equal => None,
    });
    changes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_compared_by_what_it_sets() {
        let rules = Rules::read().unwrap();
        let check = |before: &str, after: Option<&str>, expected: Option<Option<&[&str]>>| {
            let before = [("pool/x".to_owned(), before.to_owned())].into();
            let after = after.map(|code| ("pool/x".to_owned(), code.to_owned())).into_iter().collect();
            let found = differences(&before, &after, &rules);
            let lines: Option<Option<Vec<&str>>> =
                found.first().map(|found| found.lines.as_ref().map(|lines| lines.iter().map(String::as_str).collect()));
            assert_eq!(lines, expected.map(|lines| lines.map(<[_]>::to_vec)), "{before:?}");
        };
        check("a = 1\n", Some("a = 1\n"), None);
        check("a = 1\n", None, Some(None));
        check("# one\na = 1\n", Some("a   = 1\n\n# two\n"), None);
        check("  lifecycle {\n    ignore_changes = []\n  }\na = 1\n", Some("a = 1\n"), None);
        check("text: \"one \\\n  two\"\n", Some("text: \"one two\"\n"), None);
        check("  a = 1\n  b = 2\n", Some("  a = 1\n  b = 3\n"), Some(Some(&["- b = 2", "+ b = 3"])));
        check("#!shebang\n", Some(""), Some(Some(&["-#!shebang"])));
    }
}
