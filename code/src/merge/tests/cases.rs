//! Table of cases that people meet: small trees in `cases/`, each with the expected bytes.
//!
//! A case begins with `=== title`. `[crlf]` and `[bom]` in the title change ours and the result. The trees stand behind `--- base`,
//! `--- theirs`, `--- ours` and `--- merged` (left out where ours stays); a line `@ path` begins a file, and without one it is
//! `terraform/virtual_machines.tf`. `--- told` has a line for each conflict and notice: its kind, object and attribute.

use std::collections::BTreeMap;

use super::{Files, merge_files, merged};
use crate::configuration::StateInstance;

const DEFAULT: &str = "terraform/virtual_machines.tf";

struct Case<'t> {
    title: &'t str,
    sections: BTreeMap<&'t str, String>,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    let mut section = "";
    for line in text.split_inclusive('\n') {
        if let Some(title) = line.strip_prefix("=== ") {
            cases.push(Case { title: title.trim(), sections: BTreeMap::new() });
            section = "";
        } else if let Some(name) = line.strip_prefix("--- ") {
            section = name.trim();
            cases.last_mut().unwrap().sections.insert(section, String::new());
        } else if let Some(text) = cases.last_mut().and_then(|case| case.sections.get_mut(section)) {
            text.push_str(line);
        }
    }
    cases
}

fn files(text: &str) -> Files {
    let mut files = Files::new();
    let mut path = DEFAULT;
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("@ ") {
            Some(name) => {
                path = name.trim();
                files.insert(path.to_owned(), String::new());
            }
            None => files.entry(path.to_owned()).or_default().push_str(line),
        }
    }
    files
}

/// Merges the trees of a case, and merges the result again.
fn check(case: &Case<'_>) -> Result<(), String> {
    let title = case.title;
    let section = |name: &str| case.sections.get(name).map(String::as_str);
    let styled = |files: Files| -> Files {
        let style = |text: String| {
            let text = if title.contains("[crlf]") { text.replace('\n', "\r\n") } else { text };
            if title.contains("[bom]") { format!("\u{feff}{text}") } else { text }
        };
        files.into_iter().map(|(path, text)| (path, style(text))).collect()
    };
    let (base, theirs) = (files(section("base").unwrap()), files(section("theirs").unwrap()));
    let ours = styled(files(section("ours").unwrap()));
    let state: Vec<StateInstance> = section("state")
        .unwrap_or_default()
        .lines()
        .map(|address| StateInstance { address: address.parse().unwrap(), attributes: BTreeMap::new() })
        .collect();
    let result = merge_files(&base, &theirs, &ours, &state);
    let after = merged(&ours, &result);
    let expected = section("merged").map_or_else(|| ours.clone(), |text| styled(files(text)));
    let mut told: Vec<String> = result
        .conflicts
        .iter()
        .map(|conflict| format!("conflict {} {}", conflict.object, conflict.attribute))
        .collect();
    told.extend(result.notices.iter().map(|notice| {
        let kind = serde_json::to_value(notice.kind).unwrap();
        format!("{} {} {}", kind.as_str().unwrap(), notice.object, notice.attribute)
    }));
    let told: Vec<&str> = told.iter().map(|line| line.trim_end()).collect();
    let expected_told: Vec<&str> = section("told").unwrap_or_default().lines().collect();
    if show(&after) != show(&expected) {
        return Err(format!("{title}: expected\n{}but it is\n{}{:#?}", show(&expected), show(&after), result.notices));
    }
    if told != expected_told {
        return Err(format!(
            "{title}: expected {expected_told:?}, but it is {told:?}: {:#?}{:#?}",
            result.conflicts, result.notices
        ));
    }
    for (path, text) in &result.files {
        if ours.get(path) == text.as_ref() {
            return Err(format!("{title}: {path} is listed and does not differ"));
        }
    }
    if result.conflicts.is_empty() {
        let again = merge_files(&theirs, &theirs, &after, &state);
        if !again.files.is_empty() || !again.conflicts.is_empty() {
            return Err(format!("{title}: merged again: {:#?}", again.files));
        }
    }
    Ok(())
}

fn show(files: &Files) -> String {
    let show = |(path, text): (&String, &String)| {
        format!("@ {path}\n{}", text.replace('\r', "\\r").replace('\u{feff}', "\\ufeff"))
    };
    files.iter().map(show).collect::<Vec<_>>().concat()
}

fn check_all(text: &str, count: usize) {
    let cases = cases(text);
    assert_eq!(cases.len(), count);
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn attributes_are_merged_where_they_are() {
    check_all(include_str!("cases/attributes.txt"), 33);
}

#[test]
fn nested_blocks_are_merged_by_key_and_position() {
    check_all(include_str!("cases/blocks.txt"), 17);
}

#[test]
fn objects_and_declarations_come_and_go() {
    check_all(include_str!("cases/files.txt"), 32);
}

#[test]
fn other_files_are_merged_by_key_or_line() {
    check_all(include_str!("cases/texts.txt"), 12);
}
