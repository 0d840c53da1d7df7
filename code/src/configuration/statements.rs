//! `import`, `moved` and `removed` blocks, and the addresses in them.

use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::expr::{Expression, TraversalOperator};

use super::address::assemble;
use super::conversions::text;
use super::evaluate::Scope;
use super::folder::Content;
use super::{Address, Configuration, ImportBlock, Key, ModuleStep, RemovedBlock, Step};

/// All `moved` blocks, with full addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    /// By the resource that is moved, without its key.
    resources: BTreeMap<Address, Vec<(Address, Address)>>,
    modules: Vec<(Address, Address)>,
}

impl Moves {
    fn add(&mut self, from: Address, to: Address) {
        if from.resource_type.is_empty() {
            self.modules.push((from, to));
        } else {
            self.resources.entry(from.without_key()).or_default().push((from, to));
        }
    }

    /// The address behind all moves.
    pub(super) fn follow(&self, address: &Address) -> Address {
        let mut current = address.clone();
        let mut visited = BTreeSet::from([current.clone()]);
        while let Some(next) = self.step(&current) {
            if !visited.insert(next.clone()) {
                break;
            }
            current = next;
        }
        current
    }

    fn step(&self, address: &Address) -> Option<Address> {
        let moves = self.resources.get(&address.without_key()).into_iter().flatten();
        let resource = moves.into_iter().find_map(|(from, to)| move_resource(address, from, to));
        resource.or_else(|| self.modules.iter().find_map(|(from, to)| move_module(address, from, to)))
    }
}

/// A block without keys on both sides moves all instances.
fn move_resource(address: &Address, from: &Address, to: &Address) -> Option<Address> {
    if from.key.is_none() && to.key.is_none() {
        return Some(Address { key: address.key.clone(), ..to.clone() });
    }
    (address == from).then(|| to.clone())
}

fn move_module(address: &Address, from: &Address, to: &Address) -> Option<Address> {
    let (last, outer) = from.modules.split_last()?;
    let own = address.modules.get(outer.len())?;
    if address.modules[..outer.len()] != *outer || own.name != last.name {
        return None;
    }
    let mut modules = to.modules.clone();
    let target = modules.last_mut()?;
    if last.key.is_none() && target.key.is_none() {
        target.key.clone_from(&own.key);
    } else if own.key != last.key {
        return None;
    }
    modules.extend(address.modules[from.modules.len()..].iter().cloned());
    Some(Address { modules, ..address.clone() })
}

impl Configuration<'_> {
    /// Reads the `import` blocks of the root module.
    pub(super) fn read_imports(&self) -> Vec<ImportBlock> {
        let mut imports = Vec::new();
        for name in self.folder_of(0).names("import") {
            let Some(piece) = self.pieces(0, name).first() else { continue };
            if let Content::Text(text) = &piece.content
                && let Some((to, id)) = generated_import(text)
            {
                let (file, range) = (piece.file.to_owned(), piece.range.clone());
                imports.push(ImportBlock { to, id: Some(id), file, range, repeated: false });
                continue;
            }
            for iteration in self.iterations(0, name).iter() {
                let scope = Scope { iteration: iteration.as_ref(), ..Scope::of_module(0) };
                let to = self.with_attribute(0, name, "to", |to, _| self.address(to, &scope));
                let Some(Some(to)) = to else { continue };
                let id = self.with_attribute(0, name, "id", |id, _| text(&*self.evaluate(id, &scope).ok()?));
                imports.push(ImportBlock {
                    to,
                    id: id.flatten(),
                    file: piece.file.to_owned(),
                    range: piece.range.clone(),
                    repeated: iteration.is_some(),
                });
            }
        }
        imports
    }

    pub(super) fn read_moves(&self) -> Moves {
        let mut moves = Moves::default();
        for (module, instance) in self.modules.iter().enumerate() {
            for name in self.folder_of(module).names("moved") {
                let side = |side: &str| {
                    let scope = Scope::of_module(module);
                    let address = self.with_attribute(module, name, side, |side, _| self.address(side, &scope));
                    address.flatten().map(|address| within(&instance.steps, address))
                };
                if let (Some(from), Some(to)) = (side("from"), side("to")) {
                    moves.add(from, to);
                }
            }
        }
        moves
    }

    pub(super) fn read_removed(&self) -> Vec<RemovedBlock> {
        let mut removed = Vec::new();
        for (module, instance) in self.modules.iter().enumerate() {
            for name in self.folder_of(module).names("removed") {
                let scope = Scope::of_module(module);
                let from = self.with_attribute(module, name, "from", |from, _| self.address(from, &scope));
                if let (Some(Some(from)), Some(piece)) = (from, self.pieces(module, name).first()) {
                    let from = within(&instance.steps, from);
                    removed.push(RemovedBlock { from, file: piece.file.to_owned(), range: piece.range.clone() });
                }
            }
        }
        removed
    }

    /// The address that an expression is. JSON syntax has it as text.
    fn address(&self, expression: &Expression, scope: &Scope<'_>) -> Option<Address> {
        let traversal = match expression {
            Expression::String(text) => return text.value().parse().ok(),
            Expression::Traversal(traversal) => traversal,
            _ => return None,
        };
        let Expression::Variable(root) = &traversal.expr else { return None };
        let mut steps = vec![(root.as_str().to_owned(), None)];
        for operator in &traversal.operators {
            match operator.value() {
                TraversalOperator::GetAttr(name) => steps.push((name.as_str().to_owned(), None)),
                operator => {
                    let key = match self.step(operator, scope) {
                        Ok(Step::Index(index)) => Key::Number(u64::try_from(index).ok()?),
                        Ok(Step::Name(name) | Step::Where(_, name)) => Key::Text(name),
                        Err(_) => Key::Unknown,
                    };
                    steps.last_mut()?.1 = Some(key);
                }
            }
        }
        assemble(steps)
    }
}

/// An `import` block in the layout in which it is generated, read by its lines: there is one for each of ten thousand guests.
/// `None` for any other layout, and where anything has to be evaluated.
fn generated_import(text: &str) -> Option<(Address, String)> {
    let inside = text.strip_prefix("import {\n  to = ")?.strip_suffix("\"\n}")?;
    let (to, id) = inside.split_once("\n  id = \"")?;
    let is_plain = !id.contains(['"', '\\', '$', '%', '\n']) && !to.contains(['\n', '#', '/']);
    Some((to.parse().ok()?, id.to_owned())).filter(|_| is_plain)
}

/// The full address of what a module calls by a relative one.
fn within(steps: &[ModuleStep], address: Address) -> Address {
    Address { modules: steps.iter().cloned().chain(address.modules).collect(), ..address }
}
