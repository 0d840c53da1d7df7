//! Writer for YAML: block style, two blanks a level, lines of at most 80 columns where possible, and text that every reader takes
//! for text.
//!
//! Ansible needs two things that YAML libraries do not write: comments, and `!unsafe` before text with template signs, which
//! Ansible would evaluate otherwise. The tests read the text back with a reader of YAML 1.1.

mod text;

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::hcl::invisible;

use text::{plain, quote};
pub use text::{read_word, word};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Text from people or from the cluster. Template signs in it are not evaluated.
    Text(String),
    /// A template that Ansible evaluates.
    Template(String),
    /// A number, as decimal text.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    List(Vec<Self>),
    /// A mapping, in this order.
    Map(Vec<(String, Self)>),
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Node {
    fn from(flag: bool) -> Self {
        Self::Boolean(flag)
    }
}

impl From<Vec<(&str, Self)>> for Node {
    fn from(pairs: Vec<(&str, Self)>) -> Self {
        Self::Map(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

impl From<&Json> for Node {
    /// Converts a JSON value, with sorted mappings.
    fn from(value: &Json) -> Self {
        match value {
            Json::Null => Self::Text(String::new()),
            Json::Bool(flag) => Self::Boolean(*flag),
            Json::Number(number) => Self::Number(number.to_string()),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Json::Object(keys) => {
                let mut pairs: Vec<(String, Self)> =
                    keys.iter().map(|(key, value)| (key.clone(), value.into())).collect();
                pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
                Self::Map(pairs)
            }
        }
    }
}

/// Signs that begin a template: an expression, a statement, a comment.
const SIGNS: [&str; 3] = ["{{", "{%", "{#"];

impl Node {
    /// Prepares a value for the arguments of a task, where Ansible and its linter read any text as a template. Template signs, and
    /// tabs, which the linter refuses, become expressions. (`!unsafe` alone satisfies Ansible, but not the linter.)
    #[must_use]
    pub fn literal(self) -> Self {
        match self {
            Self::Text(text) if text.contains('\t') || SIGNS.iter().any(|sign| text.contains(sign)) => {
                Self::Template(expressions(&text))
            }
            Self::List(items) => Self::List(items.into_iter().map(Self::literal).collect()),
            Self::Map(pairs) => Self::Map(pairs.into_iter().map(|(key, value)| (key, value.literal())).collect()),
            other => other,
        }
    }
}

/// Template with this text as its value: signs of templates and tabs as expressions, the rest as it is.
fn expressions(text: &str) -> String {
    let mut template = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '\t']) {
        template.push_str(&rest[..at]);
        rest = &rest[at..];
        let braces = rest.len() - rest.trim_start_matches('{').len();
        let next = rest[braces..].chars().next();
        let sign = braces + usize::from(matches!(next, Some('%' | '#')));
        if braces == 0 {
            template.push_str("{{ '%c' % 9 }}");
            rest = &rest[1..];
            continue;
        }
        // A brace right before an expression would be read as a part of it.
        if sign > 1 || next == Some('\t') {
            _ = write!(template, "{{{{ '{}' }}}}", &rest[..sign]);
        } else {
            template.push('{');
        }
        rest = &rest[sign..];
    }
    template + rest
}

/// Maximum width of a line that can be broken.
const WIDTH: usize = 80;

impl Node {
    /// Text of a document with this value, without its start marker.
    pub fn render(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Map(pairs) if !pairs.is_empty() => write_map(&mut text, pairs, 0, false),
            Self::List(items) if !items.is_empty() => write_list(&mut text, items, 0),
            scalar => {
                write_scalar(&mut text, scalar, 0, 0);
                text.push('\n');
            }
        }
        text
    }

    /// Lines of a mapping at a level of nesting.
    pub fn render_at(&self, depth: usize) -> String {
        let mut text = String::new();
        if let Self::Map(pairs) = self {
            write_map(&mut text, pairs, depth, false);
        }
        text
    }
}

/// Writes pairs. The first one has no indentation after the dash of a list.
fn write_map(text: &mut String, pairs: &[(String, Node)], depth: usize, behind_dash: bool) {
    for (index, (key, value)) in pairs.iter().enumerate() {
        if index > 0 || !behind_dash {
            indent(text, depth);
        }
        let start = text.len();
        text.push_str(&word(key));
        let width = 2 * depth + text[start..].chars().count() + 2;
        text.push(':');
        match value {
            Node::Map(pairs) if !pairs.is_empty() => {
                text.push('\n');
                write_map(text, pairs, depth + 1, false);
            }
            Node::List(items) if !items.is_empty() => {
                text.push('\n');
                write_list(text, items, depth + 1);
            }
            scalar => {
                text.push(' ');
                write_scalar(text, scalar, width, depth + 1);
                text.push('\n');
            }
        }
    }
}

fn write_list(text: &mut String, items: &[Node], depth: usize) {
    for item in items {
        indent(text, depth);
        text.push_str("- ");
        match item {
            Node::Map(pairs) if !pairs.is_empty() => write_map(text, pairs, depth + 1, true),
            // A nested list starts below an empty dash.
            Node::List(items) if !items.is_empty() => {
                text.pop();
                text.push('\n');
                write_list(text, items, depth + 1);
            }
            scalar => {
                write_scalar(text, scalar, 2 * depth + 2, depth + 1);
                text.push('\n');
            }
        }
    }
}

/// Writes a scalar or an empty collection that begins at a column. Continuation lines are indented to a depth.
fn write_scalar(text: &mut String, value: &Node, column: usize, depth: usize) {
    match value {
        Node::Number(number) => text.push_str(number),
        Node::Boolean(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Node::List(_) => text.push_str("[]"),
        Node::Map(_) => text.push_str("{}"),
        Node::Template(template) => quote(text, template, column, depth),
        Node::Text(value) if plain(value) && column + value.len() < WIDTH => text.push_str(value),
        Node::Text(value) if SIGNS.iter().any(|sign| value.contains(sign)) => {
            text.push_str("!unsafe ");
            quote(text, value, column + 8, depth);
        }
        Node::Text(value) => quote(text, value, column, depth),
    }
}

/// Writes the lines of a comment. Long lines are broken between words.
pub fn comment(text: &mut String, lines: &[String]) {
    for line in lines.iter().flat_map(|line| line.split('\n')) {
        let line: String = line.chars().map(|c| if invisible(c) { '\u{fffd}' } else { c }).collect();
        let mut width = 0;
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count() + 1;
            if width == 0 || width + length > WIDTH {
                text.push_str(if width == 0 { "#" } else { "\n#" });
                width = 1;
            }
            text.push(' ');
            text.push_str(word);
            width += length;
        }
        if width > 0 {
            text.push('\n');
        }
    }
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_meaning_are_quoted() {
        let check = |word: &str, expected: &str| {
            assert_eq!(Node::from(word).render(), format!("{expected}\n"));
        };
        check("web-1", "web-1");
        check("cluster/options", "cluster/options");
        check("a.b_c", "a.b_c");
        for word in [
            "yes",
            "Off",
            "NULL",
            "~",
            "",
            "1_000",
            "12:30",
            "52:54:00:12:34:56",
            "2024-01-01",
            "=",
            "<<",
            "0x1f",
            "1e3",
        ] {
            check(word, &format!("\"{word}\""));
        }
        check("a: b", "\"a: b\"");
        check("a\n", "\"a\\n\"");
        check("{{ x }}", "!unsafe \"{{ x }}\"");
        check("{% x %}", "!unsafe \"{% x %}\"");
    }

    #[test]
    fn arguments_are_literal() {
        let check = |text: &str, expected: &str| {
            let (Node::Template(literal) | Node::Text(literal)) = Node::from(text).literal() else { panic!("{text}") };
            assert_eq!(literal, expected);
        };
        check("a {b} %} }}", "a {b} %} }}");
        check("{{ x }}", "{{ '{{' }} x }}");
        check("{% x %}{# y #}", "{{ '{%' }} x %}{{ '{#' }} y #}");
        check("{{{x}}}", "{{ '{{{' }}x}}}");
        check("a\tb", "a{{ '%c' % 9 }}b");
        check("{\t{", "{{ '{' }}{{ '%c' % 9 }}{");
        let deep = Node::List(vec![Node::from(vec![("k", Node::from("{{"))])]).literal();
        assert_eq!(deep.render(), "- k: \"{{ '{{' }}\"\n");
    }

    #[test]
    fn long_lines_are_broken() {
        let node = Node::from(vec![("key", Node::from("word ".repeat(30)))]);
        let text = node.render();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().count() > 1 && text.lines().rev().skip(1).all(|line| line.ends_with('\\')), "{text}");
        for long in ["x".repeat(200), "one=1,".repeat(40), format!("{} {}", "x".repeat(90), "y".repeat(70))] {
            let text = Node::from(vec![("key", Node::from(long.as_str()))]).render();
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
            let lines: Vec<&str> =
                text["key: \"".len()..].lines().map(|line| line.trim_start().trim_end_matches('\\')).collect();
            assert_eq!(lines.concat().trim_end_matches('"'), long);
        }
    }

    #[test]
    fn words_are_read_back() {
        for text in
            ["web", "no", "", "a b", "a\nb\r\t", "\"x\\", "{{ x }}", "\u{1b}\u{202e}\u{e0001}", "é🚀", &"x".repeat(200)]
        {
            assert_eq!(read_word(&word(text)), text);
            assert_eq!(word(text).lines().count().max(1), 1, "a key stands on one line");
        }
        assert_eq!(read_word("!unsafe \"{{ x }}\""), "{{ x }}");
    }

    /// A blank at the start of a line would count as indentation.
    #[test]
    fn blanks_survive_a_break() {
        let text = Node::from(vec![("key", Node::from(format!("{}tail", " ".repeat(90))))]).render();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() > 1 && lines[1..].iter().all(|line| line.trim_start().starts_with(['\\', 't'])), "{text}");
    }

    #[test]
    fn collections_nest() {
        let node = Node::from(vec![
            ("a", Node::List(vec![Node::from(vec![("b", Node::from("c")), ("d", Node::from(true))]), Node::from("e")])),
            ("f", Node::Map(Vec::new())),
        ]);
        assert_eq!(node.render(), "a:\n  - b: c\n    d: true\n  - e\nf: {}\n");
    }
}
