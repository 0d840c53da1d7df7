//! Our YAML, read by a reader of YAML 1.1 and one of YAML 1.2: both read the values that we wrote.

use std::collections::BTreeMap;
use std::fs;

use proxmox_mpc_generators::yaml::Node;
use serde_json::Value;

use super::{Ansible, Workspace};
use crate::support::clusters::{all, generated};
use crate::support::tools::or_skip;

/// Program that reads the given files as Ansible does, and prints all as one JSON object.
const READER: &str = r"
import json, pathlib, yaml

class Reader(yaml.SafeLoader):
    pass

Reader.add_constructor('!unsafe', lambda loader, node: loader.construct_scalar(node))
print(json.dumps({str(p): yaml.load(p.read_text(encoding='utf-8'), Reader) for p in sorted(pathlib.Path('.').rglob('*.yml'))}))
";

/// Texts that a reader takes for something else, or that break a notation.
pub(super) const ODD: &[&str] = &[
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "Y",
    "N",
    "Yes",
    "NO",
    "On",
    "OFF",
    "true",
    "false",
    "True",
    "null",
    "Null",
    "~",
    "",
    " ",
    "1",
    "-1",
    "+1",
    "0",
    "007",
    "0o17",
    "0x1f",
    "0b11",
    "1_000",
    "1.5",
    "1e3",
    "-.inf",
    ".nan",
    ".5",
    "12:30",
    "12:30:45",
    "190:20:30",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "=",
    "<<",
    "52:54:00:12:34:56",
    "BC:24:11:00:01:00",
    "::1",
    "!tag",
    "&anchor",
    "*alias",
    "@at",
    "`tick",
    "%TAG",
    "?",
    "? key",
    "-",
    "- item",
    "---",
    "...",
    "--- x",
    "#",
    "# no comment",
    "a # b",
    "a: b",
    "a:",
    ": a",
    "[a]",
    "{a: b}",
    "'",
    "\"",
    "\\",
    "\\n",
    "it's",
    "say \"x\"",
    "|",
    "> x",
    "a\nb",
    "a\n",
    "\n",
    "\na",
    "a\n\n\nb",
    " lead",
    "trail ",
    "\ttab\t",
    "a\r\nb",
    "\r",
    "\u{0}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{200b}",
    "\u{202e}evil",
    "\u{e000}",
    "\u{fffd}",
    "🚀",
    "Ünï",
    "東京",
    "{{ lookup('pipe', 'id') }}",
    "{% raw %}",
    "{# x #}",
    "a {{ b",
    "}}",
    "${x}",
    "%{x}",
    "$(id)",
    "`id`",
    "x-{{ y }}-z\nnext",
];

#[test]
fn odd_texts_stay_what_they_are() {
    let ansible = or_skip!(Ansible::find());
    let mut texts: Vec<String> = ODD.iter().map(|&text| text.to_owned()).collect();
    // Where lines are broken: words and runs of signs of every length about the width.
    for length in 60..100 {
        texts.extend([
            "x".repeat(length),
            format!("{} tail", "x".repeat(length)),
            format!("{},,{}", "a".repeat(length), "b".repeat(90)),
            format!("{}   {}", "a".repeat(length), "b".repeat(9)),
            format!("{}\\\"{}", "a".repeat(length), "é".repeat(20)),
            format!("{}{{{{ x }}}}{}", " ".repeat(length), "\n".repeat(20)),
        ]);
    }
    let expected = |text: &String| Value::String(text.clone());
    let as_values = Node::List(texts.iter().map(|text| Node::from(text.as_str())).collect());
    let as_keys = Node::Map(
        texts
            .iter()
            .enumerate()
            .map(|(n, text)| (format!("k{n}"), Node::List(vec![Node::from(vec![("a", Node::from(text.as_str()))])])))
            .collect(),
    );
    // A key of more than one line, or of more than 1024 characters, is none in YAML.
    let keys: Vec<&String> = texts.iter().filter(|text| text.chars().count() < 60).collect();
    let as_names = Node::Map(keys.iter().map(|text| ((*text).clone(), Node::from("x"))).collect());
    let folder = tempfile::tempdir().unwrap();
    for (name, node) in [("values", &as_values), ("deep", &as_keys), ("names", &as_names)] {
        fs::write(folder.path().join(format!("{name}.yml")), format!("---\n{}", node.render())).unwrap();
    }
    let ran = ansible.python(READER, folder.path());
    let read: BTreeMap<String, Value> = serde_json::from_str(&ran.output).unwrap_or_else(|_| panic!("{}", ran.errors));
    for (index, text) in texts.iter().enumerate() {
        assert_eq!(read["values.yml"][index], expected(text), "{text:?}");
        assert_eq!(read["deep.yml"][format!("k{index}")][0]["a"], expected(text), "{text:?}");
    }
    let names: Vec<&String> = read["names.yml"].as_object().unwrap().keys().collect();
    let mut wanted = keys.clone();
    wanted.sort();
    assert_eq!(names, wanted);
}

#[test]
fn two_readers_agree_on_every_file() {
    let ansible = or_skip!(Ansible::find());
    for (name, answers) in all() {
        let mut files = generated(&answers).files;
        files.retain(|path, _| path.rsplit('.').next() == Some("yml"));
        let workspace = Workspace::of(&files);
        let ran = ansible.python(READER, workspace.folder.path());
        let read: BTreeMap<String, Value> =
            serde_json::from_str(&ran.output).unwrap_or_else(|_| panic!("{name}: {}", ran.errors));
        assert_eq!(read.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
        for (path, text) in &files {
            let other: Value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name} {path}: {error}"));
            assert_eq!(read[path], other, "{name} {path}");
        }
    }
}
