//! Text from Proxmox reads back from the code unchanged, and cannot become anything else there.

use std::fs;

use hcl_edit::expr::Expression;
use hcl_edit::parser::parse_body;
use hcl_edit::structure::Body;
use hcl_edit::template::Element;
use proptest::prelude::*;
use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_engine::toolchain::process::{Stream, run};
use proxmox_mpc_engine::toolchain::terraform::Tool;
use proxmox_mpc_generators::hcl;
use serde_json::Value;

use crate::support;
use crate::support::clusters::{all, data, fixture, generated, terraform};
use crate::support::tools::{self, or_skip};

/// Characters that are worth trying in a name: the signs of the language, line ends, invisible marks.
const ODD_TEXTS: &[&str] = &[
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
    let piece = prop_oneof![4 => prop::sample::select(ODD_TEXTS).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
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

    /// Text as an attribute of a block, in which several lines become a heredoc.
    #[test]
    fn a_written_text_reads_back_as_it_was(text in odd_text()) {
        let code = written(text.as_str());
        let body = parse_body(&code).unwrap();
        prop_assert_eq!(read(&body.blocks().next().unwrap().body), text, "{}", code);
        prop_assert!(hidden(&code).is_none(), "{}", code);
    }

    /// Text as an attribute that ignores a line end at its end.
    #[test]
    fn a_trimmed_text_reads_back_but_for_a_last_line_end(text in odd_text()) {
        let code = written(hcl::Value::Trimmed(text.clone()));
        let body = parse_body(&code).unwrap();
        let found = read(&body.blocks().next().unwrap().body);
        prop_assert!(found == text || found == format!("{text}\n"), "{}", code);
        prop_assert!(hidden(&code).is_none(), "{}", code);
    }

    /// Text before a reference, whose sign it must not escape.
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

/// What is written is hcl-edit's tree, so it reads back as a tree that prints the same. It only has no escapes for marks of
/// direction and for sigils.
#[test]
fn every_generated_file_is_printed_again_as_it_was() {
    let mut files = 0;
    for (name, answers) in all() {
        for (path, text) in terraform(&generated(&answers).files) {
            let printed = parse_body(text).unwrap_or_else(|error| panic!("{name}: {path}: {error}")).to_string();
            assert_eq!(printed.lines().count(), text.lines().count(), "{name}: {path}");
            for (again, line) in printed.lines().zip(text.lines()).filter(|(_, line)| !line.contains("\\u")) {
                assert_eq!(again, line, "{name}: {path}");
            }
            files += 1;
        }
    }
    assert!(files > 50, "{files}");
}

/// A block with the attribute `x`.
fn written(value: impl Into<hcl::Value>) -> String {
    let mut block = hcl::Block::new("b");
    block.set("x", value);
    block.render()
}

/// The text of the attribute `x`.
fn read(body: &Body) -> String {
    evaluated(&body.get_attribute("x").unwrap().value)
}

fn evaluated(value: &Expression) -> String {
    match value {
        Expression::FuncCall(call) => {
            assert_eq!(call.name.name.as_str(), "chomp");
            evaluated(call.args.iter().next().unwrap()).trim_end_matches('\n').to_owned()
        }
        Expression::String(text) => text.value().clone(),
        Expression::HeredocTemplate(heredoc) => {
            let literal = |element: &Element| element.as_literal().map(|text| text.value().clone());
            heredoc.template.iter().map(|element| literal(element).expect("no expression")).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Notes as people write them, and their form in the code: several lines, if that means the same. Terraform, if
/// installed, reads each unchanged.
#[test]
fn several_lines_stand_on_several_lines() {
    let cases = [
        ("one line", "\""),
        ("one line\n", "\""),
        ("\n", "\""),
        ("# Title\n\n- one\n- two", "chomp(<<-EOT"),
        ("# Title\n\n- one\n", "<<-EOT"),
        ("a\n\n\n", "<<-EOT"),
        ("\n\na\nb", "chomp(<<-EOT"),
        ("  indented\nfirst line at the margin", "chomp(<<-EOT"),
        ("  all\n  indented", "\""),
        ("\tall\n\u{a0}indented", "\""),
        ("a\n\ttab\n    four", "chomp(<<-EOT"),
        ("two blanks at an end  \nof a line", "chomp(<<-EOT"),
        ("a\n   \nb", "\""),
        ("line end of Windows\r\nb", "\""),
        ("a\nEOT\nb", "chomp(<<-EOF"),
        ("a\nEOT\n EOF\nENDING", "\""),
        ("a ${b} %{c}\n\"d\" \\n", "chomp(<<-EOT"),
        ("a $${b}\nc", "\""),
        ("a $%{b}\nc", "\""),
        ("one $%{line} %${x}", "\""),
    ];
    let mut code = String::new();
    for (number, (text, start)) in cases.iter().enumerate() {
        let mut block = hcl::Block::new("output").labelled(&[&format!("o{number}")]);
        block.set("value", *text);
        let rendered = block.render();
        assert!(rendered.contains(&format!("  value = {start}")), "{rendered}");
        code.push_str(&rendered);
    }
    let tool = or_skip!(tools::terraform());
    let outputs = evaluated_by_terraform(&tool, &code, cases.len());
    for (number, (output, (text, _))) in outputs.iter().zip(&cases).enumerate() {
        assert_eq!(output, text, "{number}");
    }
}

/// Outputs `o0`, `o1`, … of this code.
fn evaluated_by_terraform(tool: &Tool, code: &str, count: usize) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("outputs.tf"), code).unwrap();
    let terraform = |words: &[&str]| {
        let invocation = words.iter().fold(Invocation::new(&tool.program), |invocation, word| invocation.arg(*word));
        let invocation = invocation.env("CHECKPOINT_DISABLE", "1").folder(folder.path());
        let mut output = String::new();
        let ended = run(&invocation, &support::context(), |stream, line| {
            if stream == Stream::Output {
                output.extend([line.as_str(), "\n"]);
            }
        });
        assert_eq!(ended.unwrap().code, Some(0), "{output}");
        output
    };
    terraform(&["apply", "-auto-approve", "-input=false", "-no-color"]);
    let outputs: Value = serde_json::from_str(&terraform(&["output", "-json", "-no-color"])).unwrap();
    (0..count).map(|number| outputs[format!("o{number}")]["value"].as_str().unwrap().to_owned()).collect()
}

/// An invisible character, or one that changes the direction of reading.
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

/// Notes, names, tags and comments that look like code.
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
