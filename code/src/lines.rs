//! Line reader for generated files: their blocks without a parser, since ten thousand parsed blocks take two hundred megabytes.
//!
//! A generated file has one block after another, each with its comments above it, at the first column. Inside a block only
//! its closing brace is at the first column.

use std::collections::BTreeMap;

use crate::quote::unquote;

/// Splits a generated file into its blocks, with the comments above them. The key is the first line of the block without its
/// brace: `resource "type" "name"`.
pub fn blocks(text: &str) -> BTreeMap<&str, &str> {
    let mut blocks = BTreeMap::new();
    let (mut start, mut end, mut head) = (0, 0, None);
    for line in text.split_inclusive('\n') {
        end += line.len();
        let plain = line.trim_end_matches('\n');
        let name = match head {
            None if plain.is_empty() => {
                start = end;
                continue;
            }
            None => plain.strip_suffix(" {").or_else(|| plain.strip_suffix(" {}")).filter(|_| !plain.starts_with('#')),
            Some(name) => Some(name),
        };
        let Some(name) = name else { continue };
        // `{}` ends a block where it begins.
        if plain == "}" || (head.is_none() && plain.ends_with('}')) {
            blocks.insert(name, &text[start..end]);
            (start, head) = (end, None);
        } else {
            head = Some(name);
        }
    }
    blocks
}

/// Addresses of the resources in a file, from the lines that begin a block. Files that people wrote are read as well, as long
/// as they put the labels on the line of the keyword.
pub fn resource_addresses(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let mut parts = line.trim_start().strip_prefix("resource")?.split('"');
        let (_, resource, _, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(format!("{resource}.{name}"))
    })
}

/// The description of a sensitive variable, from its generated block; `None` for a variable that is not sensitive.
pub fn sensitive(block: &str) -> Option<String> {
    let value = |name: &str| {
        let mut words = block.lines().filter_map(|line| line.trim().split_once('='));
        words.find(|(left, _)| left.trim() == name).map(|(_, right)| right.trim())
    };
    if value("sensitive") != Some("true") {
        return None;
    }
    let text = value("description")?;
    Some(unquote(text))
}

/// The object that a comment names, and nothing else: `# qemu/101`. Tasks of Ansible begin with one.
pub(crate) fn task_object(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_prefix("# ")?;
    let (prefix, id) = name.split_once('/')?;
    let is_prefix = !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    (is_prefix && !id.is_empty() && !name.contains(' ')).then_some(name)
}

/// The tasks of each object in a file of tasks, with their comments; before the first, what belongs to none, with an empty name.
pub fn tasks(text: &str) -> Vec<(&str, &str)> {
    let mut starts = vec![(0, "")];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(name) = task_object(line).filter(|name| starts.last().is_none_or(|(_, last)| last != name)) {
            starts.push((at, name));
        }
        at += line.len();
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]).collect();
    let tasks = starts.into_iter().zip(ends).filter(|((start, _), end)| start < end);
    tasks.map(|((start, name), end)| (name, &text[start..end])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_byte_for_byte() {
        let one = "# A sentence.\nresource \"a\" \"one\" {\n  text = <<-EOT\n    x\n\n    }\n  EOT\n\n  b {}\n}\n";
        let two = "resource \"a\" \"two\" {}\n";
        let text = format!("# Header.\n\n{one}\n{two}");
        let blocks = blocks(&text);
        assert_eq!(
            blocks.into_iter().collect::<Vec<_>>(),
            [("resource \"a\" \"one\"", one), ("resource \"a\" \"two\"", two)]
        );
        assert_eq!(resource_addresses(&text).collect::<Vec<_>>(), ["a.one", "a.two"]);
    }

    #[test]
    fn only_a_sensitive_variable_has_its_description_read() {
        let variable = |last: &str| {
            format!("variable \"x\" {{\n  description = \"Of \\\"x\\\"\"\n  type        = string\n{last}}}\n")
        };
        assert_eq!(sensitive(&variable("  sensitive   = true\n")), Some("Of \"x\"".to_owned()));
        assert_eq!(sensitive(&variable("")), None);
    }
}
