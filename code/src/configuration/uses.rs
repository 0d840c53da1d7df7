//! Users of literals: the values of all instances that depend on one, so that nobody changes it for one of them by mistake.

use std::ops::Range;

use hcl_edit::expr::Traversal;
use hcl_edit::visit::{self, Visit};

use super::evaluate::Scope;
use super::origin::{Definition, LIMIT, Tracer};
use super::{Address, Configuration, Instance, Origin, Path};

/// A value of an instance that depends on a literal.
pub(super) struct Use {
    file: String,
    range: Range<usize>,
    address: Address,
    path: Path,
}

impl Configuration<'_> {
    /// The place of the literal behind a value.
    pub fn origin(&self, instance: &Instance, path: &Path) -> Origin {
        let tracer = Tracer::new(self, false);
        let mut origin = tracer.of_instance(instance, path);
        if let Origin::Literal(literal) = &mut origin {
            let uses = self.uses.get_or_init(|| self.all_uses());
            let overlaps = |other: &&Use| {
                other.file == literal.file
                    && other.range.start < literal.range.end
                    && literal.range.start < other.range.end
                    && other.address != instance.address
            };
            literal.users =
                uses.iter().filter(overlaps).map(|other| (other.address.clone(), other.path.clone())).collect();
            literal.users.sort();
            literal.users.dedup();
        }
        origin
    }

    /// The literals behind all values that are not literals themselves, or that stand in code of several instances.
    fn all_uses(&self) -> Vec<Use> {
        let mut uses = Vec::new();
        for instance in &self.instances {
            let declaration = instance.declaration();
            let folder = self.modules[instance.module].folder;
            let is_shared = instance.iteration.is_some()
                || self.modules.iter().filter(|module| module.folder == folder).count() > 1;
            let words = ["var.", "local.", "each.", "module.", "count."];
            if !is_shared && !self.pieces(instance.module, &declaration).iter().any(|piece| piece.mentions(&words)) {
                continue;
            }
            self.attributes(
                instance.module,
                &declaration,
                &instance.scope(),
                &mut |path, expression, piece, scope, only| {
                    let tracer = Tracer::new(self, true);
                    let definition = Definition::of_block(piece, path, only);
                    let own = match tracer.trace(expression, &definition, scope, &[]) {
                        Origin::Literal(literal) => Some((literal.file, literal.range)),
                        Origin::Computed(_) | Origin::Absent => None,
                    };
                    uses.extend(own.into_iter().chain(tracer.dependencies.into_inner()).map(|(file, range)| Use {
                        file,
                        range,
                        address: instance.address.clone(),
                        path: path.clone(),
                    }));
                },
            );
        }
        uses
    }
}

/// Visits the references in an expression.
pub(super) struct References<'r, 'c, 'p, 'f> {
    pub(super) tracer: &'r Tracer<'c, 'f>,
    pub(super) at: &'r Definition<'p, 'f>,
    pub(super) scope: &'r Scope<'r>,
}

impl Visit for References<'_, '_, '_, '_> {
    fn visit_traversal(&mut self, node: &Traversal) {
        let depth = &self.tracer.depth;
        depth.set(depth.get() + 1);
        if depth.get() <= LIMIT
            && let Some(Origin::Literal(literal)) = self.tracer.reference(node, self.at, self.scope, &[])
        {
            self.tracer.dependencies.borrow_mut().push((literal.file, literal.range));
        }
        depth.set(depth.get() - 1);
        visit::visit_traversal(self, node);
    }
}
