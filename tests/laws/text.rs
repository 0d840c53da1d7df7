//! Text from Proxmox comes back from the code as it was, and cannot become anything else there.

use hcl_edit::expr::Expression;
use hcl_edit::parser::parse_body;
use hcl_edit::structure::Body;
use hcl_edit::template::Element;
use proptest::prelude::*;
use proxmox_mpc_generators::hcl;

use crate::support::clusters::{all, data, fixture, generated, terraform};

/// What is worth trying in a name: the signs of the language, line ends, marks that nobody sees.
const ODD: &[&str] = &[
    "$",
    "%",
    "{",
    "}",
    "${",
    "%{",
    "$${",
    "%%{",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\t",
    " ",
    "EOT",
    "\nEOT\n",
    "<<-EOT",
    "#",
    "//",
    "\u{0}",
    "\u{1b}",
    "\u{7f}",
    "\u{85}",
    "\u{ad}",
    "\u{200b}",
    "\u{200e}",
    "\u{202e}",
    "\u{2066}",
    "\u{2028}",
    "\u{feff}",
    "\u{e0041}",
    "\u{fffd}",
    "é",
    "日本",
    "😀",
    "a",
    "0",
];

fn odd_text() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![4 => prop::sample::select(ODD).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_quoted_text_reads_back_as_it_was(text in odd_text()) {
        let code = format!("x = {}\n", hcl::quoted(&text));
        let body = parse_body(&code).unwrap();
        prop_assert_eq!(read(&body), text, "{}", code);
        prop_assert!(hidden(&code).is_none(), "{}", code);
    }

    /// As an attribute of a block, where several lines become a heredoc: but for the last line end, which attributes
    /// of several lines trim.
    #[test]
    fn a_written_text_reads_back_as_it_was(text in odd_text()) {
        let mut block = hcl::Block::new("b");
        block.set("x", text.as_str());
        let code = block.render();
        let body = parse_body(&code).unwrap();
        let body = &body.blocks().next().unwrap().body;
        let found = read(body);
        let heredoc = matches!(body.get_attribute("x").unwrap().value, Expression::HeredocTemplate(_));
        let found = if heredoc { found.strip_suffix('\n').unwrap() } else { &found };
        prop_assert_eq!(found, text, "{}", code);
        prop_assert!(hidden(&code).is_none(), "{}", code);
    }

    /// Beside a reference, whose sign a text before it must not escape.
    #[test]
    fn a_text_beside_a_reference_reads_back_as_it_was(text in odd_text()) {
        let mut block = hcl::Block::new("b");
        let piece = |text: &str| hcl::Value::from(text);
        block.set("x", hcl::Value::Template(vec![piece(&text), hcl::Value::Reference("a.b".to_owned()), piece(&text)]));
        let code = block.render();
        let body = parse_body(&code).unwrap();
        let Expression::StringTemplate(template) = &body.blocks().next().unwrap().body.get_attribute("x").unwrap().value
        else { panic!("{code}") };
        let literal = |element: &Element| element.as_literal().map_or("\u{1}".to_owned(), |text| text.value().clone());
        let found: String = template.iter().map(literal).collect();
        prop_assert_eq!(found, format!("{text}\u{1}{text}"), "{}", code);
        prop_assert!(hidden(&code).is_none(), "{}", code);
    }

    #[test]
    fn no_text_leaves_a_comment(text in odd_text()) {
        let mut code = String::new();
        hcl::comment(&mut code, std::slice::from_ref(&text), 1);
        prop_assert!(code.lines().all(|line| line.starts_with("  #")), "{}", code);
        prop_assert!(parse_body(&code).unwrap().is_empty(), "{}", code);
        prop_assert!(hidden(&code).is_none(), "{}", code);
    }
}

/// The text of the attribute `x`.
fn read(body: &Body) -> String {
    match &body.get_attribute("x").unwrap().value {
        Expression::String(text) => text.value().clone(),
        Expression::HeredocTemplate(heredoc) => {
            let literal = |element: &Element| element.as_literal().map(|text| text.value().clone());
            heredoc.template.iter().map(|element| literal(element).expect("no expression")).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// A character that shows nothing, or that turns the direction of reading round.
fn hidden(text: &str) -> Option<char> {
    text.chars().find(|c| {
        // U+200C and U+200D join letters, and emoji, that people can see.
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
    })
}

#[test]
fn nothing_hidden_stands_bare_in_any_file() {
    for (name, answers) in all() {
        for (path, text) in generated(&answers).files {
            assert_eq!(hidden(&text), None, "{name}: {path}");
        }
    }
}

/// Notes, names, tags and comments that try to be code.
#[test]
fn text_of_the_cluster_never_becomes_code() {
    const EVIL: &str = "a ${file(\"/etc/passwd\")} %{ for x in y }\nEOT\n}\nresource \"x\" \"y\" {}\n\u{202e}#\u{7}\"";
    let mut answers = fixture("pve-9.1");
    for path in ["nodes/pve1/qemu/100/config", "nodes/pve1/lxc/200/config"] {
        let config = data(&mut answers, path).as_object_mut().unwrap();
        config.insert("description".to_owned(), EVIL.into());
        config.insert("tags".to_owned(), "${a};%{b}\"".into());
        config.insert("name".to_owned(), EVIL.into());
        config.insert("hostname".to_owned(), EVIL.into());
    }
    for row in data(&mut answers, "cluster/resources").as_array_mut().unwrap() {
        if row["type"] == "qemu" || row["type"] == "lxc" {
            row["name"] = EVIL.into();
        }
    }
    data(&mut answers, "pools")[0]["comment"] = EVIL.into();
    let plain = generated(&fixture("pve-9.1"));
    let files = generated(&answers).files;
    for (path, text) in &files {
        assert_eq!(hidden(text), None, "{path}");
    }
    for (path, text) in terraform(&files) {
        let blocks = |text: &str| parse_body(text).unwrap().blocks().count();
        assert_eq!(blocks(text), blocks(&plain.files[path]), "{path}");
        // A reference with text around it is ours.
        let text = text.replace("${proxmox_", "");
        assert!(!text.contains(" ${") && !text.contains("\"${"), "{path}");
    }
}
