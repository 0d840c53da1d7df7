//! Reasons of ignored attributes: above the list, or in the header of the file.

use hcl_edit::parser::parse_body;

use super::oracle::all_ignored;
use crate::support::clusters::{all, generated, terraform};

/// Name of a path in a header.
fn name_in_header(path: &str) -> String {
    match path.rsplit_once('.').map_or(path, |(_, last)| last) {
        "volume" => "mount_point[…].volume".to_owned(),
        name if name.starts_with("timeout_") => "timeout_…".to_owned(),
        name => name.to_owned(),
    }
}

#[test]
fn what_is_ignored_has_its_reason() {
    let mut found = 0;
    for (name, answers) in all() {
        let made = generated(&answers);
        let ignored = all_ignored(&made);
        for (path, text) in terraform(&made.files) {
            let header: String = text.lines().take_while(|line| line.starts_with('#')).collect();
            for block in parse_body(text).unwrap().get_blocks("resource") {
                let [resource, label] = block.labels.as_slice() else { panic!("{path}: a resource has two labels") };
                let (resource, label) = (resource.as_str(), label.as_str());
                let start = text.find(&format!("resource \"{resource}\" \"{label}\"")).unwrap();
                let block = text[start..].split("\n}\n").next().unwrap();
                for attribute in &ignored[&format!("{resource}.{label}")] {
                    let above =
                        block.lines().any(|line| line.trim_start().starts_with('#') && line.contains(attribute));
                    let once = header.contains(&name_in_header(attribute)) || header.contains("what a block ignores");
                    assert!(above || once, "{name}: {path}: {label}: {attribute}");
                    found += 1;
                }
            }
        }
    }
    assert!(found > 500, "{found}");
}

/// A reason that applies to each block of a file is in its header only.
#[test]
fn no_comment_repeats_in_every_block() {
    for (name, answers) in all() {
        for (path, text) in terraform(&generated(&answers).files) {
            let blocks = text.matches("\nresource ").count();
            for comment in text.lines().filter(|line| line.trim_start().starts_with('#')) {
                let times = text.lines().filter(|line| *line == comment).count();
                assert!(times < 10 || times * 2 < blocks, "{name}: {path}: {times} of {blocks}: {comment}");
            }
        }
    }
}
