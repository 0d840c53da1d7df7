//! Parts of a root module: every definition with what it refers to, so that some of them can be planned without the others.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::expr::{Expression, FuncCall, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::visit::{self, Visit};

use crate::document::{Block, Document};

/// A root module that is taken apart.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// `terraform` and `provider` blocks, which belong to every part.
    header: Part,
    /// By key: `type.name` of a resource, `data.type.name`, `local.x`, `var.x`, `output.x`, and a number for blocks that
    /// nothing can refer to.
    by_key: BTreeMap<String, Part>,
    /// True if the module requires one exact version of the provider.
    pinned: bool,
}

/// A definition: its block or blocks, and what they refer to.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pieces: Vec<Piece>,
    references: BTreeSet<Reference>,
    /// Attributes that the block of a resource sets at its first level.
    attributes: BTreeSet<String>,
    /// The ids of its `import` blocks; `None` for an id that is not a plain string.
    pub imports: Vec<Option<String>>,
    /// An expression whose value may change without the code: a function that reads files or the clock, or a data source.
    open: Option<String>,
    /// True if there is a block of the resource, and not only an `import` block that leads to it.
    defined: bool,
}

/// The text of a block, or of one attribute of a `locals` block.
#[derive(Clone, Debug)]
struct Piece {
    file: String,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reference {
    key: String,
    /// The attribute of a resource; `None` for a reference to all of it.
    attribute: Option<String>,
}

/// A part with everything that it refers to, directly or through others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure<'p> {
    /// The keys of the parts.
    pub parts: BTreeSet<&'p str>,
    /// The keys that something refers to, and that the module does not define.
    pub undefined: BTreeSet<&'p str>,
    /// Resources whose state decides a value here: the part itself, and those that are asked for an attribute that their
    /// code does not set.
    pub read: BTreeSet<&'p str>,
    /// An expression whose value may change without the code.
    pub open: Option<&'p str>,
}

/// A module that cannot be taken apart, since only Terraform can read it. The text says why, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inseparable(pub String);

impl Parts {
    /// Takes the `.tf` files of a root module apart, given by name. They are parsed one at a time.
    ///
    /// # Errors
    /// Code that only Terraform can read: modules, overrides, and whatever this program does not know.
    pub fn read(files: &BTreeMap<String, String>) -> Result<Self, Inseparable> {
        let mut parts = Self::default();
        for (file, text) in files {
            if file == "override.tf" || file.ends_with("_override.tf") {
                return Err(Inseparable(format!("`{file}` overrides other files")));
            }
            let invalid = |_| Inseparable(format!("`{file}` is not valid HCL"));
            let document = Document::parse(text).map_err(invalid)?;
            if document.attributes().next().is_some() {
                return Err(Inseparable(format!("`{file}` has an attribute outside of all blocks")));
            }
            for block in document.blocks() {
                parts.add(file, text, block)?;
            }
        }
        Ok(parts)
    }

    /// Reports whether the module requires one exact version of the provider.
    pub fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// The keys of all parts.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_key.keys().map(String::as_str)
    }

    /// A part by its key.
    pub fn get(&self, key: &str) -> Option<&Part> {
        self.by_key.get(key)
    }

    /// The part of this key with everything that it and the header refer to.
    pub fn closure<'p>(&'p self, key: &'p str) -> Closure<'p> {
        let mut closure = Closure { open: self.header.open.as_deref(), ..Closure::default() };
        let mut waiting: Vec<(&str, bool)> = vec![(key, true)];
        let referred =
            |part: &'p Part| part.references.iter().map(|reference| (&*reference.key, self.reads(reference)));
        waiting.extend(referred(&self.header));
        while let Some((key, reads)) = waiting.pop() {
            let Some(part) = self.by_key.get(key) else {
                closure.undefined.insert(key);
                continue;
            };
            if reads && part.defined {
                closure.read.insert(key);
            }
            if closure.parts.insert(key) {
                closure.open = closure.open.or(part.open.as_deref());
                waiting.extend(referred(part));
            }
        }
        closure
    }

    /// Reports whether the value of a reference is decided by more than the code of what it leads to.
    fn reads(&self, reference: &Reference) -> bool {
        let Some(part) = self.by_key.get(&reference.key) else { return false };
        reference.attribute.as_ref().is_none_or(|attribute| !part.attributes.contains(attribute))
    }

    /// Text of a part and of the header for a digest: it changes with every byte of a block, and not with the file that the
    /// block is in.
    pub fn texts<'p>(&'p self, key: &str) -> impl Iterator<Item = &'p str> {
        self.by_key.get(key).into_iter().flat_map(|part| &part.pieces).map(|piece| piece.text.as_str())
    }

    /// The texts of the `terraform` and `provider` blocks.
    pub fn header(&self) -> impl Iterator<Item = &str> {
        self.header.pieces.iter().map(|piece| piece.text.as_str())
    }

    /// Files of a module with these parts only, by name, each block in the file where it was.
    pub fn files<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> BTreeMap<&str, String> {
        let mut files: BTreeMap<&str, String> = BTreeMap::new();
        let parts = keys.into_iter().filter_map(|key| self.by_key.get(key));
        for piece in std::iter::once(&self.header).chain(parts).flat_map(|part| &part.pieces) {
            let text = files.entry(&piece.file).or_default();
            text.push_str(&piece.text);
            text.push('\n');
        }
        files
    }

    fn add(&mut self, file: &str, text: &str, block: Block<'_>) -> Result<(), Inseparable> {
        let source = &text[block.range()];
        let piece = |text: String| Piece { file: file.to_owned(), text };
        let unknown = || Inseparable(format!("`{file}` has a `{}` block", block.keyword()));
        let next = self.by_key.len();
        let (part, keyword) = match (block.keyword(), &block.labels()[..]) {
            ("terraform" | "provider", _) => {
                self.pinned |= block.keyword() == "terraform" && is_pinned(block);
                (&mut self.header, "")
            }
            ("resource", [resource, name]) => {
                (self.by_key.entry(format!("{resource}.{name}")).or_default(), "resource")
            }
            ("data", [source, name]) => (self.by_key.entry(format!("data.{source}.{name}")).or_default(), "data"),
            ("variable", [name]) => (self.by_key.entry(format!("var.{name}")).or_default(), ""),
            ("output", [name]) => (self.by_key.entry(format!("output.{name}")).or_default(), ""),
            ("locals", []) => {
                for local in block.attributes() {
                    let part = self.by_key.entry(format!("local.{}", local.name())).or_default();
                    part.pieces.push(piece(format!("locals {{\n  {}\n}}", &text[local.range()])));
                    part.visit(|visitor| visitor.visit_attr(local.syntax()));
                }
                return if block.has_blocks() { Err(unknown()) } else { Ok(()) };
            }
            ("import", []) => {
                let to = block.attribute("to").map(|to| base(to.source())).ok_or_else(unknown)?;
                let part = self.by_key.entry(to).or_default();
                part.imports.push(block.attribute("id").and_then(|id| id.string()).map(str::to_owned));
                (part, "")
            }
            // Neither does anything without a state, but Terraform checks the addresses.
            ("moved" | "removed" | "check", _) => (self.by_key.entry(format!("{next:08}")).or_default(), ""),
            _ => return Err(unknown()),
        };
        part.pieces.push(piece(source.to_owned()));
        part.visit(|visitor| visitor.visit_block(block.syntax()));
        match keyword {
            "resource" => {
                part.defined = true;
                part.attributes.extend(block.attributes().map(|attribute| attribute.name().to_owned()));
            }
            "data" => part.open = Some("data".to_owned()),
            _ => {}
        }
        Ok(())
    }
}

impl Part {
    fn visit(&mut self, visit: impl FnOnce(&mut References)) {
        let mut references = References::default();
        visit(&mut references);
        self.references.append(&mut references.references);
        self.open = self.open.take().or(references.open);
    }

    /// Reports whether there is a block of the resource, and not only an `import` block that leads to it.
    pub fn is_defined(&self) -> bool {
        self.defined
    }
}

/// The address of a block in the address of an instance: `type.name` of `type.name["key"]`.
pub fn base(address: &str) -> String {
    address.split('[').next().unwrap_or(address).trim().to_owned()
}

/// Reports whether a `terraform` block requires one exact version of the provider.
fn is_pinned(block: Block<'_>) -> bool {
    block.blocks("required_providers").any(|providers| {
        let proxmox = providers.attribute("proxmox");
        let Some(Expression::Object(object)) = proxmox.map(|proxmox| &proxmox.syntax().value) else { return false };
        let is_version = |key: &ObjectKey| key.as_ident().is_some_and(|key| key.as_str() == "version");
        let version = object.iter().find(|(key, _)| is_version(key));
        version.and_then(|(_, value)| value.expr().as_str()).is_some_and(is_exact)
    })
}

/// Reports whether a constraint allows one version only: `0.111.1`, `= 0.111.1`.
fn is_exact(constraint: &str) -> bool {
    let version = constraint.trim().trim_start_matches('=').trim();
    version.split('.').count() == 3 && version.split('.').all(|number| number.parse::<u32>().is_ok())
}

/// Collects the references of an expression, and notices what the code alone does not decide.
#[derive(Default)]
struct References {
    references: BTreeSet<Reference>,
    open: Option<String>,
}

impl Visit for References {
    fn visit_traversal(&mut self, node: &Traversal) {
        if let Expression::Variable(root) = &node.expr {
            let names = node.operators.iter().map_while(|operator| match operator.value() {
                TraversalOperator::GetAttr(name) => Some(name.as_str()),
                _ => None,
            });
            self.reference(root.as_str(), &names.collect::<Vec<_>>());
        }
        visit::visit_traversal(self, node);
    }

    fn visit_func_call(&mut self, node: &FuncCall) {
        let name = node.name.name.as_str();
        if !node.name.namespace.is_empty() || PURE.binary_search(&name).is_err() {
            self.open.get_or_insert_with(|| format!("{name}()"));
        }
        visit::visit_func_call(self, node);
    }
}

impl References {
    fn reference(&mut self, root: &str, names: &[&str]) {
        let (key, attribute) = match (root, names) {
            // Where the temporary copy of the code is differs from run to run.
            ("path", ["cwd", ..]) => {
                self.open.get_or_insert_with(|| "path.cwd".to_owned());
                return;
            }
            ("each" | "count" | "self" | "path" | "terraform", _) | (_, []) => return,
            ("data", [source, name, ..]) => (format!("data.{source}.{name}"), None),
            ("var" | "local", [name, ..]) | (_, [name]) => (format!("{root}.{name}"), None),
            (_, [name, attribute, ..]) => (format!("{root}.{name}"), Some((*attribute).to_owned())),
        };
        self.references.insert(Reference { key, attribute });
    }
}

/// Functions whose value follows from their arguments, sorted. What is not here reads files, the clock or chance, or is not
/// known.
#[rustfmt::skip]
const PURE: [&str; 99] = [
    "abs", "alltrue", "anytrue", "base64decode", "base64encode", "base64gzip", "base64sha256", "base64sha512",
    "basename", "can", "ceil", "chomp", "chunklist", "cidrcontains", "cidrhost", "cidrnetmask", "cidrsubnet",
    "cidrsubnets", "coalesce", "coalescelist", "compact", "concat", "contains", "csvdecode", "dirname", "distinct",
    "element", "endswith", "flatten", "floor", "format", "formatdate", "formatlist", "indent", "index", "issensitive",
    "join", "jsondecode", "jsonencode", "keys", "length", "log", "lookup", "lower", "matchkeys", "max", "md5",
    "merge", "min", "nonsensitive", "one", "parseint", "pow", "range", "regex", "regexall", "replace", "reverse",
    "sensitive", "setintersection", "setproduct", "setsubtract", "setunion", "sha1", "sha256", "sha512", "signum",
    "slice", "sort", "split", "startswith", "strcontains", "strrev", "substr", "sum", "textdecodebase64",
    "textencodebase64", "timeadd", "timecmp", "title", "tobool", "tolist", "tomap", "tonumber", "toset", "tostring",
    "transpose", "trim", "trimprefix", "trimspace", "trimsuffix", "try", "upper", "urlencode", "uuidv5", "values",
    "yamldecode", "yamlencode", "zipmap",
];

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "terraform {\n  required_providers {\n    proxmox = {\n      source  = \"bpg/proxmox\"\n      version = \
                        \"0.111.1\"\n    }\n  }\n}\nprovider \"proxmox\" {\n  insecure = var.insecure\n}\nvariable \
                        \"insecure\" {\n  default = true\n}\nlocals {\n  bridge = \"vmbr0\"\n  time   = \
                        timestamp()\n}\nresource \"p\" \"pool\" {\n  pool_id = \"prod\"\n}\nresource \"v\" \"web\" \
                        {\n  pool   = p.pool.pool_id\n  disk {\n    storage = s.fast.id\n  }\n  bridge = \
                        \"${local.bridge}\"\n}\nresource \"s\" \"fast\" {}\nresource \"v\" \"late\" {\n  name = \
                        local.time\n}\nimport {\n  to = v.web\n  id = \"pve/1\"\n}\nmoved {\n  from = v.old\n  to   = \
                        v.web\n}\n";

    fn read(text: &str) -> Result<Parts, Inseparable> {
        Parts::read(&BTreeMap::from([("main.tf".to_owned(), text.to_owned())]))
    }

    #[test]
    fn a_part_has_all_that_it_refers_to() {
        let parts = read(CODE).unwrap();
        let closure = parts.closure("v.web");
        assert_eq!(closure.parts, BTreeSet::from(["local.bridge", "p.pool", "s.fast", "v.web", "var.insecure"]));
        // The code of the pool says what its `pool_id` is; the `id` of the storage is known only once it is read.
        assert_eq!(closure.read, BTreeSet::from(["s.fast", "v.web"]));
        assert_eq!((closure.open, closure.undefined.len()), (None, 0));
        assert_eq!(parts.get("v.web").unwrap().imports, [Some("pve/1".to_owned())]);
        assert_eq!(parts.closure("v.late").open, Some("timestamp()"));
        assert!(parts.is_pinned());
        let moved = parts.keys().find(|key| key.starts_with('0')).unwrap();
        assert_eq!(parts.closure(moved).undefined, BTreeSet::from(["v.old"]));
        assert!(parts.closure(moved).parts.contains("v.web"));
    }

    #[test]
    fn files_of_some_parts_are_a_module() {
        let parts = read(CODE).unwrap();
        let closure = parts.closure("v.web");
        let files = parts.files(closure.parts.iter().copied());
        let again = read(&files["main.tf"]).unwrap();
        assert_eq!(again.keys().collect::<BTreeSet<_>>(), closure.parts);
        assert_eq!(again.header().collect::<Vec<_>>(), parts.header().collect::<Vec<_>>());
    }

    #[test]
    fn what_only_terraform_can_read_is_inseparable() {
        let check = |text: &str, separable: bool| assert_eq!(read(text).is_ok(), separable, "{text}");
        check("module \"m\" {\n  source = \"./m\"\n}\n", false);
        check("ephemeral \"a\" \"b\" {}\n", false);
        check("x = 1\n", false);
        check("resource \"a\" {", false);
        check("import {\n  for_each = local.ids\n  to = a.b[each.key]\n  id = each.value\n}\n", true);
        assert!(PURE.is_sorted());
    }
}
