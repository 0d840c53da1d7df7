//! Index of a root module: its blocks by address, each with its location, parsed one at a time on request.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::{self, BlockLabel, Body, Structure};
use hcl_edit::visit::{self, Visit};

use crate::document::{Document, SyntaxError};

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file, as it was added: `terraform/virtual_machines.tf`.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl std::fmt::Display for Location {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}, line {}", self.file, self.line)
    }
}

/// The text of a block or an attribute.
#[derive(Clone, Debug)]
struct Piece {
    location: Location,
    text: String,
}

/// An `import` block.
#[derive(Clone, Debug)]
pub struct Import {
    /// The id that the provider imports by.
    pub id: String,
    /// Location of the block.
    pub location: Location,
}

/// The blocks of the files that were added.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// By address: `type.name`.
    resources: BTreeMap<String, Piece>,
    /// By the address that they import to.
    imports: BTreeMap<String, Import>,
    /// Defaults of variables, and local values, by the reference to them: `var.x`, `local.x`.
    definitions: BTreeMap<String, Piece>,
}

impl Index {
    /// Adds a file. The index keeps the text of blocks: ten thousand parsed ones would take two hundred megabytes.
    ///
    /// # Errors
    /// Text that is not HCL.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), SyntaxError> {
        let document = Document::parse(text)?;
        let piece = |range: std::ops::Range<usize>| Piece {
            location: Location { file: file.to_owned(), line: document.line(range.start) },
            text: text[range].to_owned(),
        };
        for block in document.blocks() {
            match (block.keyword(), &block.labels()[..]) {
                ("resource", [resource, name]) => {
                    self.resources.insert(format!("{resource}.{name}"), piece(block.range()));
                }
                ("import", []) => {
                    let id = block.attribute("id").and_then(|id| id.string());
                    if let (Some(to), Some(id)) = (block.attribute("to"), id) {
                        let import = Import { id: id.to_owned(), location: piece(block.range()).location };
                        self.imports.insert(to.source().to_owned(), import);
                    }
                }
                ("variable", [name]) => {
                    if let Some(default) = block.attribute("default") {
                        self.definitions.insert(format!("var.{name}"), piece(default.range()));
                    }
                }
                ("locals", []) => {
                    for local in block.attributes() {
                        self.definitions.insert(format!("local.{}", local.name()), piece(local.range()));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The block of a resource, parsed.
    pub fn resource(&self, address: &str) -> Option<Resource> {
        let piece = self.resources.get(address)?;
        let block = piece.text.parse::<Body>().ok()?.into_blocks().next()?;
        Some(Resource { block, piece: piece.clone() })
    }

    /// Location of the block of a resource.
    pub fn location(&self, address: &str) -> Option<&Location> {
        self.resources.get(address).map(|piece| &piece.location)
    }

    /// Addresses of all resources.
    pub fn addresses(&self) -> impl Iterator<Item = &String> {
        self.resources.keys()
    }

    /// The `import` block that imports to an address.
    pub fn import(&self, address: &str) -> Option<&Import> {
        self.imports.get(address)
    }

    /// The address that an id is imported to, among the resources of one type.
    pub fn address_of_import(&self, resource: &str, id: &str) -> Option<&String> {
        let of_type = |address: &str| address.split('.').next() == Some(resource);
        self.imports.iter().find(|(to, import)| of_type(to) && import.id == id).map(|(to, _)| to)
    }

    /// The definition behind a reference, and its location: a local value, the default of a variable, or an attribute of a
    /// resource.
    pub fn definition(&self, reference: &str) -> Option<(Structure, Location)> {
        if let Some(piece) = self.definitions.get(reference) {
            let structure = piece.text.parse::<Body>().ok()?.into_iter().next()?;
            return Some((structure, piece.location.clone()));
        }
        let (address, attribute) = reference.rsplit_once('.')?;
        let resource = self.resource(address)?;
        let structure = resource.items(attribute).first().copied().cloned()?;
        Some((structure, resource.location(attribute)))
    }
}

/// The parsed block of a resource.
pub struct Resource {
    block: structure::Block,
    piece: Piece,
}

impl Resource {
    /// Items with a name: the attribute, or the nested blocks, written out or `dynamic`.
    pub fn items(&self, name: &str) -> Vec<&Structure> {
        self.block.body.iter().filter(|item| name_of(item) == name).collect()
    }

    /// Names of the items at the first level, without `lifecycle`, which describes no part of the object.
    pub fn names(&self) -> BTreeSet<String> {
        let names = self.block.body.iter().map(|item| name_of(item).to_owned());
        names.filter(|name| name != "lifecycle").collect()
    }

    /// Location of the innermost item on a path of a plan (`disk[0].size`), or of the block where nothing on it is written.
    pub fn location(&self, path: &str) -> Location {
        let steps: Vec<&str> = path.split(['.', '[', ']']).filter(|step| !step.is_empty()).collect();
        let offset = locate(&self.block.body, &steps).unwrap_or_default();
        let line = self.piece.location.line + self.piece.text[..offset].matches('\n').count();
        Location { line, ..self.piece.location.clone() }
    }

    /// Paths in `ignore_changes`, as they are written: `cpu[0].type`.
    pub fn ignored(&self) -> Vec<String> {
        let lifecycle = self.block.body.get_blocks("lifecycle").next();
        let list = lifecycle.and_then(|lifecycle| lifecycle.body.get_attribute("ignore_changes"));
        match list.map(|list| &list.value) {
            Some(Expression::Array(paths)) => paths.iter().map(|path| path.to_string().trim().to_owned()).collect(),
            Some(all) => vec![all.to_string().trim().to_owned()],
            None => Vec::new(),
        }
    }

    /// References in the items with a name: `local.bridge`, `proxmox_virtual_environment_pool.prod.pool_id`.
    pub fn references(&self, name: &str) -> BTreeSet<String> {
        let mut references = References::default();
        self.items(name).into_iter().for_each(|item| references.visit_structure(item));
        references.0
    }
}

/// Collects the traversals of an expression, as far as they go by names.
#[derive(Default)]
struct References(BTreeSet<String>);

impl Visit for References {
    fn visit_traversal(&mut self, node: &Traversal) {
        if let Expression::Variable(root) = &node.expr {
            let mut reference = root.to_string();
            for operator in &node.operators {
                let TraversalOperator::GetAttr(name) = operator.value() else { break };
                reference.push('.');
                reference.push_str(name.as_str());
            }
            self.0.insert(reference);
        }
        visit::visit_traversal(self, node);
    }
}

/// Name of an item. A `dynamic` block has the name of the blocks that it makes.
fn name_of(item: &Structure) -> &str {
    match item {
        Structure::Attribute(attribute) => attribute.key.as_str(),
        Structure::Block(block) if block.ident.as_str() == "dynamic" => {
            block.labels.first().map_or("dynamic", BlockLabel::as_str)
        }
        Structure::Block(block) => block.ident.as_str(),
    }
}

/// Offset of the innermost item on a path that is written.
fn locate(body: &Body, steps: &[&str]) -> Option<usize> {
    let (first, rest) = steps.split_first()?;
    let items: Vec<&Structure> = body.iter().filter(|item| name_of(item) == *first).collect();
    let (index, rest) = match rest.split_first().map(|(step, rest)| (step.parse::<usize>(), rest)) {
        Some((Ok(index), rest)) => (index, rest),
        _ => (0, rest),
    };
    match items.get(index).or(items.last())? {
        Structure::Attribute(attribute) => Some(attribute.span()?.start),
        Structure::Block(block) => locate(&block.body, rest).or_else(|| Some(block.span()?.start)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "locals {\n  bridge = \"vmbr0\"\n}\n\n# A sentence.\nresource \"a\" \"b\" {\n  name = \"x\"\n\n  \
                        disk {\n    size = 1\n  }\n  disk {\n    # Large.\n    size  = 2\n    cache = \"none\"\n  }\n\n  \
                        dynamic \"usb\" {\n    for_each = []\n  }\n\n  network_device {\n    bridge = local.bridge\n  }\n\n  \
                        lifecycle {\n    ignore_changes = [cpu[0].type, tags]\n  }\n}\n\nimport {\n  to = a.b\n  id = \
                        \"pve/1\"\n}\n\nvariable \"p\" {\n  default = 1\n}\n";

    fn index() -> Index {
        let mut index = Index::default();
        index.add("terraform/x.tf", CODE).unwrap();
        index
    }

    #[test]
    fn paths_of_a_plan_are_located() {
        let block = index().resource("a.b").unwrap();
        let check = |path: &str, line: usize| assert_eq!(block.location(path).line, line, "{path}");
        check("name", 7);
        check("disk[0].size", 10);
        check("disk[1].size", 14);
        check("disk[1].cache", 15);
        check("disk[1].ssd", 12);
        check("disk[5].ssd", 12);
        check("usb[0].host", 18);
        check("tags[0]", 6);
        assert_eq!(block.items("disk").len(), 2);
        assert_eq!(block.ignored(), ["cpu[0].type", "tags"]);
        assert_eq!(block.names().into_iter().collect::<Vec<_>>(), ["disk", "name", "network_device", "usb"]);
        assert_eq!(block.references("network_device").into_iter().collect::<Vec<_>>(), ["local.bridge"]);
    }

    #[test]
    fn imports_and_definitions_are_found() {
        let index = index();
        let import = index.import("a.b").unwrap();
        assert_eq!((import.id.as_str(), import.location.line), ("pve/1", 31));
        assert_eq!(index.address_of_import("a", "pve/1").unwrap(), "a.b");
        assert_eq!(index.address_of_import("c", "pve/1"), None);
        let check = |reference: &str, line: usize| {
            assert_eq!(index.definition(reference).map(|(_, location)| location.line), Some(line), "{reference}");
        };
        check("local.bridge", 2);
        check("var.p", 37);
        check("a.b.name", 7);
        assert!(index.definition("a.c.name").is_none());
    }
}
