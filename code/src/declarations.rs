//! Declarations: names that Terraform takes only once in a root module.

use crate::document::{Block, Document};

/// Something that a file declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The declaration as code begins it: `resource "type" "name"`, `local.name`, `import to type.name`.
    pub name: String,
    /// The line, counted from 1.
    pub line: usize,
}

/// Declarations of a parsed file, in its order.
pub fn of(document: &Document<'_>) -> Vec<Declaration> {
    document.blocks().flat_map(|block| of_block(document, block)).collect()
}

fn of_block(document: &Document<'_>, block: Block<'_>) -> Vec<Declaration> {
    let at = |name: String, offset: usize| Declaration { name, line: document.line(offset) };
    let start = block.range().start;
    match (block.keyword(), &block.labels()[..]) {
        // A provider with an alias is another one.
        ("provider", _) if block.attribute("alias").is_some() => Vec::new(),
        (keyword @ ("resource" | "variable" | "provider" | "output" | "data" | "module"), labels) => {
            let labels = labels.iter().fold(keyword.to_owned(), |text, label| format!("{text} \"{label}\""));
            vec![at(labels, start)]
        }
        ("terraform", []) => {
            let blocks = block.blocks(REQUIRED_PROVIDERS);
            blocks.map(|block| at(REQUIRED_PROVIDERS.to_owned(), block.range().start)).collect()
        }
        ("locals", []) => {
            let locals = block.attributes();
            locals.map(|local| at(format!("local.{}", local.name()), local.range().start)).collect()
        }
        ("import", []) => {
            let to = block.attribute("to");
            to.map(|to| at(format!("import to {}", to.source()), start)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The one nested block whose names count for the whole module.
const REQUIRED_PROVIDERS: &str = "required_providers";

/// Names that a generated file declares, read line by line (see [`lines`](crate::lines)).
pub fn of_generated(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(head) = line.strip_suffix(" {}").or_else(|| line.strip_suffix(" {")) {
            let is_top_level = !head.starts_with(' ');
            if is_top_level {
                inside = head;
            }
            // Anything else that is indented is part of an object or of a text.
            if is_top_level || (inside == "terraform" && head.trim_start() == REQUIRED_PROVIDERS) {
                names.push(head.trim_start().to_owned());
            }
        } else if let Some((name, value)) = line.split_once(" = ") {
            match (inside, name.trim()) {
                ("locals", local) if !local.is_empty() => names.push(format!("local.{local}")),
                ("import", "to") => names.push(format!("import to {}", value.trim())),
                _ => {}
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_readers_find_the_same_declarations() {
        let text = "# A sentence.\nterraform {\n  required_providers {\n    x = {\n      source = \"a/x\"\n    }\n  }\n}\n\n\
                    provider \"x\" {}\n\nvariable \"v\" {\n  default = {}\n}\n\nlocals {\n  a = 1\n}\n\n\
                    resource \"a\" \"b\" {\n  disk {\n    size = 1\n  }\n}\n\nimport {\n  to = a.b\n  id = \"1\"\n}\n";
        let declarations = of(&Document::parse(text).unwrap());
        let expected = [
            ("required_providers", 3),
            ("provider \"x\"", 10),
            ("variable \"v\"", 12),
            ("local.a", 17),
            ("resource \"a\" \"b\"", 20),
            ("import to a.b", 26),
        ];
        let found: Vec<_> = declarations.iter().map(|one| (one.name.as_str(), one.line)).collect();
        assert_eq!(found, expected);
        let generated = of_generated(text);
        for (name, _) in expected {
            assert!(generated.iter().any(|other| other == name), "{name}: {generated:?}");
        }
    }

    #[test]
    fn a_provider_with_an_alias_is_another_one() {
        let text = "provider \"x\" {\n  alias = \"y\"\n}\nmoved {\n  from = a.b\n  to   = a.c\n}\n";
        assert_eq!(of(&Document::parse(text).unwrap()), []);
    }
}
