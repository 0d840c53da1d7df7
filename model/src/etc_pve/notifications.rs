//! Answers about notification targets and matchers (`notifications.cfg`), which Proxmox reads with a library of its own
//! (`proxmox-notify`).

use serde_json::{Value, json};

use super::section::{self, Dialect, Section};
use super::sheet::{Row, Sheet, row, rows, with};
use super::tree::{File, Tree, file};
use super::words::decoded;
use crate::{ApiPath, boolean};

/// Dialect of the file. Its switches are `true` or `1`: they are read as text first.
const NOTIFICATIONS: Dialect = Dialect {
    types: "gotify sendmail smtp webhook matcher",
    bare: false,
    own: &[
        ("gotify", "server"),
        ("sendmail", "author from-address mailto mailto-user"),
        ("smtp", "author from-address mailto mailto-user mode port server username"),
        ("webhook", "body header method secret url"),
        ("matcher", "invert-match match-calendar match-field match-severity mode target"),
    ],
    keys: "author body comment disable filter from-address header:l invert-match mailto:l mailto-user:l match-calendar:l \
        match-field:l match-severity:l method mode name origin port:i secret:l server target:l url username",
};

/// Built-in sections, where the file does not have them.
const BUILT_IN: &str = "sendmail: mail-to-root
	comment Send mails to root@pam's email address
	mailto-user root@pam

matcher: default-matcher
	comment Route all notifications to mail-to-root
	mode all
	target mail-to-root
";

/// Kinds of targets.
const ENDPOINTS: &[&str] = &["gotify", "sendmail", "smtp", "webhook"];

/// Answers `cluster/notifications`; the jobs are those that send notifications.
pub(super) fn answer(tree: &Tree, nodes: &[String], jobs: &[(String, Value)], sheet: &mut Sheet) {
    let File { text, sha256: digest, .. } = file(tree, "notifications.cfg");
    let sections = read(text, sheet);
    let mut targets = Vec::new();
    for kind in ENDPOINTS.iter().chain(&["matcher"]) {
        let list = match *kind {
            "matcher" => ApiPath::parse("cluster/notifications/matchers"),
            kind => ApiPath::new(["cluster", "notifications", "endpoints", kind]),
        };
        let mut listed = Vec::new();
        for section in sections.iter().filter(|section| section.kind == *kind) {
            let keys = with(section.keys.clone(), "name", section.id.clone());
            let single = ApiPath::new(list.segments().into_iter().chain([section.id.clone()]));
            sheet.put_at(single, with(keys.clone(), "digest", digest.as_str()));
            if *kind != "matcher" {
                targets.push(target(&keys, kind));
            }
            listed.push(keys);
        }
        sheet.put_at(list, rows(listed));
    }
    sheet.put("cluster/notifications/targets", rows(targets));
    for (path, names) in INDEXES {
        sheet.put(path, names.split(' ').map(|name| json!({ "name": name })).collect::<Vec<_>>());
    }
    let value = |field: &str, value: &str| row([("field", json!(field)), ("value", json!(value))]);
    let types = ["package-updates", "fencing", "replication", "vzdump", "system-mail"];
    let mut values: Vec<Row> = types.iter().map(|name| value("type", name)).collect();
    values.extend(jobs.iter().map(|(id, comment)| with(value("job-id", id), "comment", comment.clone())));
    values.extend(nodes.iter().map(|node| value("hostname", node)));
    sheet.put("cluster/notifications/matcher-field-values", rows(values));
}

/// Indexes of the API, and the fields that matchers know.
const INDEXES: &[(&str, &str)] = &[
    ("cluster/notifications", "endpoints matchers targets matcher-fields matcher-field-values"),
    ("cluster/notifications/endpoints", "gotify sendmail smtp webhook"),
    ("cluster/notifications/matcher-fields", "type hostname job-id"),
];

fn target(keys: &Row, kind: &str) -> Row {
    let shown = keys.iter().filter(|(key, _)| matches!(key.as_str(), "name" | "origin" | "comment" | "disable"));
    with(shown.map(|(key, value)| (key.clone(), value.clone())).collect(), "type", kind)
}

/// The sections with the built-in ones, each with its origin.
fn read(text: &str, sheet: &mut Sheet) -> Vec<Section> {
    let mut sections = section::parse("notifications.cfg", text, NOTIFICATIONS, sheet);
    for section in &mut sections {
        for (key, value) in &mut section.keys {
            undo(key, value);
        }
    }
    let mut others = section::parse("", BUILT_IN, NOTIFICATIONS, sheet);
    for section in &mut sections {
        let built_in = others.iter().position(|other| other.id == section.id).map(|at| others.remove(at));
        let origin = match built_in {
            None => "user-created",
            Some(built_in) if built_in.kind == section.kind && built_in.keys == section.keys => "builtin",
            Some(_) => "modified-builtin",
        };
        section.keys.insert("origin".to_owned(), json!(origin));
    }
    for mut section in others {
        section.keys.insert("origin".to_owned(), json!("builtin"));
        sections.push(section);
    }
    sections
}

/// Converts a value of this file: its text is text, not bytes, and switches become numbers.
fn undo(key: &str, value: &mut Value) {
    match value {
        Value::String(text) => {
            if matches!(key, "disable" | "invert-match") {
                *value = json!(u8::from(boolean::parse(text) == Some(true)));
            } else {
                *text = characters(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| undo("", item)),
        _ => {}
    }
}

/// The text that was read as bytes.
fn characters(text: &str) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(character).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| decoded(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_targets_are_distinguished_from_changed_ones() {
        let check = |text: &str, path: &str, expected: Value| {
            let mut sheet = Sheet::default();
            let tree = Tree::from([("notifications.cfg".to_owned(), File::of(text))]);
            answer(&tree, &[], &[], &mut sheet);
            let answer = &sheet.answers[&ApiPath::parse(&format!("cluster/notifications/{path}"))];
            assert_eq!(answer.data(), Some(&expected), "{text:?}");
        };
        let comment = "Route all notifications to mail-to-root";
        let matcher = json!({"name": "default-matcher", "mode": "all", "target": ["mail-to-root"], "comment": comment});
        let with_origin = |origin: &str| {
            let mut matcher = matcher.clone();
            matcher["origin"] = json!(origin);
            json!([matcher])
        };
        check("", "matchers", with_origin("builtin"));
        check(BUILT_IN, "matchers", with_origin("builtin"));
        check(&BUILT_IN.replace("mode all", "mode all\n\torigin builtin"), "matchers", with_origin("modified-builtin"));
        check(
            "gotify: a\n\tserver x\n\tdisable false\n\tcomment ü %25\n",
            "endpoints/gotify/a",
            json!({"name": "a", "server": "x", "disable": 0, "comment": "ü %25", "origin": "user-created", "digest": ""}),
        );
        check(
            "smtp: r\n\tport 25\n\tmailto a\n\tmailto b\n\tdisable true\n",
            "targets",
            json!([
                {"name": "mail-to-root", "type": "sendmail", "origin": "builtin", "comment": "Send mails to root@pam's email address"},
                {"name": "r", "type": "smtp", "origin": "user-created", "disable": 1},
            ]),
        );
    }
}
