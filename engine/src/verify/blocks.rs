//! Blocks of a folder of Terraform code, by address and with their locations. Each is parsed when it is asked for.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::structure::{Block, BlockLabel, Body, Structure};
use hcl_edit::visit::{self, Visit};

/// Location in the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// The file, relative to the workspace: `terraform/virtual_machines.tf`.
    pub(super) file: String,
    /// The line, counted from 1.
    pub(super) line: usize,
}

impl std::fmt::Display for Location {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}, line {}", self.file, self.line)
    }
}

/// Piece of a file.
#[derive(Clone, Debug)]
struct Piece {
    place: Location,
    text: String,
}

/// An `import` block.
#[derive(Clone, Debug)]
pub(super) struct ImportBlock {
    pub(super) id: String,
    pub(super) place: Location,
}

/// Blocks of all files.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    /// Resource blocks by address: `type.name`.
    resources: BTreeMap<String, Piece>,
    /// Import blocks by the address that they import to.
    imports: BTreeMap<String, ImportBlock>,
    /// Defaults of variables and local values, by their reference: `var.x`, `local.x`.
    definitions: BTreeMap<String, Piece>,
}

impl Blocks {
    /// Adds the blocks of a file. Only their text is kept: ten thousand parsed ones would take 200 MB of memory.
    pub(super) fn add(&mut self, file: &str, text: &str) -> Result<(), hcl_edit::parser::Error> {
        let body: Body = text.parse()?;
        let piece = |span: Option<std::ops::Range<usize>>| {
            let span = span.unwrap_or_default();
            let line = text[..span.start].matches('\n').count() + 1;
            Piece { place: Location { file: file.to_owned(), line }, text: text[span].to_owned() }
        };
        for block in body.blocks() {
            let labels: Vec<&str> = block.labels.iter().map(BlockLabel::as_str).collect();
            match (block.ident.as_str(), &labels[..]) {
                ("resource", [resource, label]) => {
                    self.resources.insert(format!("{resource}.{label}"), piece(block.span()));
                }
                ("import", []) => {
                    let value = |name| block.body.get_attribute(name).map(|attribute| &attribute.value);
                    if let (Some(to), Some(id)) = (value("to"), value("id").and_then(Expression::as_str)) {
                        let import = ImportBlock { id: id.to_owned(), place: piece(block.span()).place };
                        self.imports.insert(to.to_string().trim().to_owned(), import);
                    }
                }
                ("variable", [name]) => {
                    if let Some(default) = block.body.get_attribute("default") {
                        self.definitions.insert(format!("var.{name}"), piece(default.span()));
                    }
                }
                ("locals", []) => {
                    for local in block.body.attributes() {
                        self.definitions.insert(format!("local.{}", local.key.as_str()), piece(local.span()));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The block of a resource.
    pub(super) fn resource(&self, address: &str) -> Option<ResourceBlock> {
        let piece = self.resources.get(address)?;
        let block = piece.text.parse::<Body>().ok()?.into_blocks().next()?;
        Some(ResourceBlock { block, piece: piece.clone() })
    }

    /// The location of the block of a resource.
    pub(super) fn place(&self, address: &str) -> Option<&Location> {
        self.resources.get(address).map(|piece| &piece.place)
    }

    /// The addresses of the resources.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &String> {
        self.resources.keys()
    }

    /// The `import` block of this address.
    pub(super) fn import(&self, address: &str) -> Option<&ImportBlock> {
        self.imports.get(address)
    }

    /// The address that this id is imported to, among the resources of this type.
    pub(super) fn imported(&self, resource: &str, id: &str) -> Option<&String> {
        let of_type = |address: &str| address.split('.').next() == Some(resource);
        self.imports.iter().find(|(to, import)| of_type(to) && import.id == id).map(|(to, _)| to)
    }

    /// The definition that a reference leads to, and its location: a local value, the default of a variable, or an attribute
    /// of a resource.
    pub(super) fn definition(&self, reference: &str) -> Option<(Structure, Location)> {
        if let Some(piece) = self.definitions.get(reference) {
            let structure = piece.text.parse::<Body>().ok()?.into_iter().next()?;
            return Some((structure, piece.place.clone()));
        }
        let (address, attribute) = reference.rsplit_once('.')?;
        let block = self.resource(address)?;
        let structure = block.items(attribute).first().copied().cloned()?;
        Some((structure, block.place(attribute)))
    }
}

/// The block of a resource.
pub(super) struct ResourceBlock {
    block: Block,
    piece: Piece,
}

impl ResourceBlock {
    /// The items of this name in the block: an attribute, or blocks, written out or `dynamic`.
    pub(super) fn items(&self, name: &str) -> Vec<&Structure> {
        self.block.body.iter().filter(|item| name_of(item) == name).collect()
    }

    /// Every name at the first level, without `lifecycle`, which is not an attribute of the object.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let names = self.block.body.iter().map(|item| name_of(item).to_owned());
        names.filter(|name| name != "lifecycle").collect()
    }

    /// The location of the innermost item in the code that a path of a plan leads to (`disk[0].size`); that of the block if
    /// there is none.
    pub(super) fn place(&self, path: &str) -> Location {
        let steps: Vec<&str> = path.split(['.', '[', ']']).filter(|step| !step.is_empty()).collect();
        let offset = locate(&self.block.body, &steps).unwrap_or_default();
        let line = self.piece.place.line + self.piece.text[..offset].matches('\n').count();
        Location { line, ..self.piece.place.clone() }
    }

    /// The entries of `ignore_changes`, as they are written: `cpu[0].type`.
    pub(super) fn ignored(&self) -> Vec<String> {
        let lifecycle = self.block.body.get_blocks("lifecycle").next();
        let list = lifecycle.and_then(|lifecycle| lifecycle.body.get_attribute("ignore_changes"));
        match list.map(|list| &list.value) {
            Some(Expression::Array(paths)) => paths.iter().map(|path| path.to_string().trim().to_owned()).collect(),
            Some(all) => vec![all.to_string().trim().to_owned()],
            None => Vec::new(),
        }
    }

    /// The references in the items of this name: `local.bridge`, `proxmox_virtual_environment_pool.prod.pool_id`.
    pub(super) fn references(&self, name: &str) -> BTreeSet<String> {
        let mut references = References::default();
        self.items(name).into_iter().for_each(|item| references.visit_structure(item));
        references.0
    }
}

/// References of an expression, up to the first index.
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

/// The name of an item; for a `dynamic` block that of the blocks which it makes.
fn name_of(item: &Structure) -> &str {
    match item {
        Structure::Attribute(attribute) => attribute.key.as_str(),
        Structure::Block(block) if block.ident.as_str() == "dynamic" => {
            block.labels.first().map_or("dynamic", BlockLabel::as_str)
        }
        Structure::Block(block) => block.ident.as_str(),
    }
}

/// The offset of the innermost item of a path that is in the code.
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

    fn blocks() -> Blocks {
        let mut blocks = Blocks::default();
        blocks.add("terraform/x.tf", CODE).unwrap();
        blocks
    }

    #[test]
    fn paths_lead_to_locations() {
        let block = blocks().resource("a.b").unwrap();
        let check = |path: &str, line: usize| assert_eq!(block.place(path).line, line, "{path}");
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
        let blocks = blocks();
        let import = blocks.import("a.b").unwrap();
        assert_eq!((import.id.as_str(), import.place.line), ("pve/1", 31));
        assert_eq!(blocks.imported("a", "pve/1").unwrap(), "a.b");
        assert_eq!(blocks.imported("c", "pve/1"), None);
        let check = |reference: &str, line: usize| {
            assert_eq!(blocks.definition(reference).map(|(_, place)| place.line), Some(line), "{reference}");
        };
        check("local.bridge", 2);
        check("var.p", 37);
        check("a.b.name", 7);
        assert!(blocks.definition("a.c.name").is_none());
    }
}
