//! Outline of a block: every attribute in it by its path, as it is written.

use std::collections::BTreeMap;

use hcl_edit::Span as _;
use hcl_edit::structure::{BlockLabel, Body, Structure};

use crate::document::SyntaxError;

/// Attributes of the first block in a text, by path, each as it is written: `memory[0].dedicated` is `4096`. A nested block has
/// its position among those of its name.
///
/// # Errors
/// Text that is not HCL.
pub fn outline(text: &str) -> Result<BTreeMap<String, String>, SyntaxError> {
    let body: Body = text.parse()?;
    let mut attributes = BTreeMap::new();
    if let Some(block) = body.blocks().next() {
        collect(text, &block.body, "", &mut attributes);
    }
    Ok(attributes)
}

fn collect(text: &str, body: &Body, above: &str, attributes: &mut BTreeMap<String, String>) {
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let source = attribute.value.span().and_then(|span| text.get(span)).unwrap_or_default();
                attributes.insert(format!("{above}{}", attribute.key.as_str()), source.trim().to_owned());
            }
            Structure::Block(block) => {
                let words = [block.ident.as_str()].into_iter().chain(block.labels.iter().map(BlockLabel::as_str));
                let name = words.collect::<Vec<_>>().join(" ");
                let position = positions.entry(name.clone()).or_default();
                let path = format!("{above}{name}[{position}]");
                *position += 1;
                if block.body.is_empty() {
                    attributes.insert(path.clone(), "{}".to_owned());
                }
                collect(text, &block.body, &format!("{path}."), attributes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_listed_by_path() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let outline = outline(text).unwrap();
            let outline: Vec<_> = outline.iter().map(|(path, source)| (path.as_str(), source.as_str())).collect();
            assert_eq!(outline, expected, "{text}");
        };
        check(
            "# Web.\nresource \"a\" \"b\" {\n  name = \"web\" # why\n  disk {\n    size = 1\n  }\n  disk {\n    size = var.x\n  }\n  \
             agent {}\n}\n",
            &[("agent[0]", "{}"), ("disk[0].size", "1"), ("disk[1].size", "var.x"), ("name", "\"web\"")],
        );
        check(
            "resource \"a\" \"b\" {\n  dynamic \"disk\" {\n    for_each = []\n  }\n  x = <<-EOT\n    a\n  EOT\n}\n",
            &[("dynamic disk[0].for_each", "[]"), ("x", "<<-EOT\n    a\n  EOT")],
        );
        check("", &[]);
        assert!(outline("resource {").is_err());
    }
}
