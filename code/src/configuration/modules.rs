//! Module instances, instances of resources, and the values of variables, locals and outputs in them.

use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body};

use super::conversions::{Evaluated, Failure, entries, has_unknown, text};
use super::evaluate::Scope;
use super::folder::{Content, Folder, Piece};
use super::{Configuration, Key, ModuleStep, Path, Step, Value};

/// An instance of a module.
pub(super) struct Module {
    /// The calls that lead to it; empty for the root module.
    pub(super) steps: Vec<ModuleStep>,
    pub(super) folder: usize,
    /// The instance whose module calls it.
    pub(super) parent: Option<usize>,
    /// Element of `count` or `for_each` of the call.
    pub(super) iteration: Option<Iteration>,
}

/// An element of `count` or `for_each`.
#[derive(Clone, Debug)]
pub(super) struct Iteration {
    /// The declaration that is repeated: `module.vm`, `type.name`, `import.1`.
    pub(super) declaration: Rc<str>,
    pub(super) key: Key,
    /// `each.value`; `None` for `count`.
    pub(super) value: Option<Rc<Value>>,
}

impl Iteration {
    /// The value of `each.key`, `each.value` or `count.index`.
    pub(super) fn value(&self, word: &str, name: &str) -> Option<Rc<Value>> {
        match (word, name, &self.key, &self.value) {
            ("each", "key", Key::Text(key), Some(_)) => Some(Rc::new(Value::from(key.as_str()))),
            ("each", "value", _, Some(value)) => Some(Rc::clone(value)),
            ("count", "index", Key::Number(index), None) => Some(Rc::new(Value::from(*index))),
            _ => None,
        }
    }
}

/// Instances of a declaration: one without a key, or one for each element.
pub(super) type Iterations = Rc<Vec<Option<Iteration>>>;

impl<'f> Configuration<'f> {
    pub(super) fn folder_of(&self, module: usize) -> &Folder<'f> {
        &self.folders[self.modules[module].folder]
    }

    /// The pieces of a declaration in a module: the block, and the blocks of override files that change it.
    pub(super) fn pieces(&self, module: usize, declaration: &str) -> &[Piece<'f>] {
        self.folder_of(module).pieces(declaration)
    }

    /// The body of a piece, parsed: one block or one attribute. The last ones are kept.
    pub(super) fn body(&self, piece: &Piece<'f>) -> Option<Rc<Body>> {
        let text = match &piece.content {
            Content::Parsed(body) => return Some(Rc::clone(body)),
            Content::Text(text) => text,
        };
        let key = (piece.file, piece.range.start);
        if let Some(body) = self.bodies.borrow().get(&key) {
            return Some(Rc::clone(body));
        }
        let body: Rc<Body> = Rc::new(text.parse().ok()?);
        let mut bodies = self.bodies.borrow_mut();
        if bodies.len() >= KEPT_BODIES {
            bodies.clear();
        }
        bodies.insert(key, Rc::clone(&body));
        Some(body)
    }

    /// Calls a function with an attribute of a declaration and its piece. What override files say comes first.
    pub(super) fn with_attribute<T>(
        &self,
        module: usize,
        declaration: &str,
        name: &str,
        then: impl FnOnce(&Expression, &Piece<'f>) -> T,
    ) -> Option<T> {
        for piece in self.pieces(module, declaration).iter().rev().filter(|piece| piece.mentions(&[name])) {
            let body = self.body(piece)?;
            if let Some(attribute) = block_of(&body).and_then(|block| block.body.get_attribute(name)) {
                return Some(then(&attribute.value, piece));
            }
        }
        None
    }

    /// The instances of a declaration.
    pub(super) fn iterations(&self, module: usize, declaration: &str) -> Iterations {
        let single = || Rc::new(vec![None]);
        if !self.pieces(module, declaration).iter().any(|piece| piece.mentions(&["count", "for_each"])) {
            return single();
        }
        let cached = self.iterations.borrow().get(&(module, declaration.to_owned())).cloned();
        if let Some(iterations) = cached {
            return iterations;
        }
        let name: Rc<str> = Rc::from(declaration);
        let iteration = |key, value| Some(Iteration { declaration: Rc::clone(&name), key, value });
        let unknown = || Rc::new(vec![iteration(Key::Unknown, None)]);
        // An expression that refers to the instances themselves has no value.
        self.iterations.borrow_mut().insert((module, declaration.to_owned()), unknown());
        let scope = Scope::of_module(module);
        let evaluate = |expression: &Expression, _: &Piece<'f>| self.evaluate(expression, &scope);
        let iterations = if let Some(count) = self.with_attribute(module, declaration, "count", evaluate) {
            let count = count.ok().and_then(|count| super::conversions::number(&count)?.as_u64());
            count.map_or_else(unknown, |count| {
                Rc::new((0..count).map(|index| iteration(Key::Number(index), None)).collect())
            })
        } else if let Some(collection) = self.with_attribute(module, declaration, "for_each", evaluate) {
            let keys = collection.ok().and_then(|collection| keyed(&collection));
            keys.map_or_else(unknown, |keys| {
                let keys = keys.into_iter();
                Rc::new(keys.map(|(key, value)| iteration(Key::Text(key), Some(value))).collect())
            })
        } else {
            single()
        };
        self.iterations.borrow_mut().insert((module, declaration.to_owned()), Rc::clone(&iterations));
        iterations
    }

    /// Evaluates once, and remembers. A value that needs itself is not known.
    fn remembered(&self, module: usize, name: String, evaluate: impl FnOnce() -> Evaluated) -> Evaluated {
        let key = (module, name);
        if let Some(value) = self.values.borrow().get(&key) {
            return value.clone();
        }
        self.values.borrow_mut().insert(key.clone(), Err(Failure::Unknown));
        let value = evaluate();
        self.values.borrow_mut().insert(key, value.clone());
        value
    }

    /// The value of a variable: from the call of the module or the files of variables, else the default.
    pub(super) fn variable(&self, module: usize, name: &str) -> Evaluated {
        let declaration = format!("var.{name}");
        self.remembered(module, declaration.clone(), || {
            let value = match self.given(module, name) {
                // Nothing is as good as no argument, for the default.
                Some(Ok(value)) if value.is_null() => None,
                given => given,
            };
            let scope = Scope::of_module(module);
            let default = || {
                let evaluate = |default: &Expression, _: &Piece<'f>| self.evaluate(default, &scope);
                self.with_attribute(module, &declaration, "default", evaluate)
            };
            let value = value.or_else(default).ok_or(Failure::Unknown)??;
            let convert = |constraint: &Expression, _: &Piece<'f>| self.convert(&value, constraint);
            self.with_attribute(module, &declaration, "type", convert).unwrap_or_else(|| Ok(Rc::clone(&value)))
        })
    }

    /// The value that somebody gives to a variable of a module; `None` if nobody does.
    fn given(&self, module: usize, name: &str) -> Option<Evaluated> {
        let own = &self.modules[module];
        let (Some(parent), Some(call)) = (own.parent, own.steps.last()) else {
            let piece = self.pieces(module, &format!("value.{name}")).last()?;
            let body = self.body(piece)?;
            return Some(self.evaluate(&attribute_of(&body)?.value, &Scope::of_module(module)));
        };
        let scope = Scope { iteration: own.iteration.as_ref(), ..Scope::of_module(parent) };
        let call = format!("module.{}", call.name);
        self.with_attribute(parent, &call, name, |argument, _| self.evaluate(argument, &scope))
    }

    /// The value of a local.
    pub(super) fn local(&self, module: usize, name: &str) -> Evaluated {
        let declaration = format!("local.{name}");
        self.remembered(module, declaration.clone(), || {
            let piece = self.pieces(module, &declaration).last().ok_or(Failure::Unknown)?;
            let body = self.body(piece).ok_or(Failure::Unknown)?;
            let local = attribute_of(&body).ok_or(Failure::Unknown)?;
            self.evaluate(&local.value, &Scope::of_module(module))
        })
    }

    /// `path.module` and `path.root`, as Terraform gives them when it runs in the folder of the root module.
    pub(super) fn path_of(&self, module: usize, word: &str) -> Evaluated {
        let (own, root) = (&self.folder_of(module).path, &self.folder_of(0).path);
        match word {
            "root" => Ok(Rc::new(Value::from("."))),
            "module" if module == 0 => Ok(Rc::new(Value::from("."))),
            "module" => {
                own.strip_prefix(&format!("{root}/")).map(|path| Rc::new(Value::from(path))).ok_or(Failure::Unknown)
            }
            _ => Err(Failure::Unknown),
        }
    }

    /// The instance of a module that a module calls.
    pub(super) fn called(&self, module: usize, name: &str, key: Option<&Step>) -> Option<usize> {
        let key = key.map(key_of);
        self.modules.iter().position(|other| {
            let step = other.steps.last();
            other.parent == Some(module) && step.is_some_and(|step| step.name == name && step.key == key)
        })
    }

    /// The value of an output of a module.
    pub(super) fn output(&self, module: usize, name: &str, key: Option<&Step>, output: &str) -> Evaluated {
        let called = self.called(module, name, key).ok_or(Failure::Unknown)?;
        let declaration = format!("output.{output}");
        self.remembered(called, declaration.clone(), || {
            let scope = Scope::of_module(called);
            let evaluate = |value: &Expression, _: &Piece<'f>| self.evaluate(value, &scope);
            self.with_attribute(called, &declaration, "value", evaluate).unwrap_or(Err(Failure::Unknown))
        })
    }

    /// The element of a resource with a key; `None` for the only instance of one that is not repeated.
    pub(super) fn iteration(
        &self,
        module: usize,
        declaration: &str,
        key: Option<&Step>,
    ) -> Result<Option<Iteration>, Failure> {
        let key = key.map(key_of);
        let iterations = self.iterations(module, declaration);
        let has_key =
            |iteration: &&Option<Iteration>| iteration.as_ref().map(|iteration| &iteration.key) == key.as_ref();
        iterations.iter().find(has_key).cloned().ok_or(Failure::Unknown)
    }

    /// The value of an attribute of another resource: what is written there. An id that is not written is made of other
    /// attributes, or is the id of its import.
    pub(super) fn attribute_of(&self, module: usize, declaration: &str, key: Option<&Step>, path: &Path) -> Evaluated {
        let name = format!("{declaration}{}.{path}", key.map(key_of).map(|key| key.to_string()).unwrap_or_default());
        self.remembered(module, format!("resource {name}"), || {
            if path.0.is_empty() || self.pieces(module, declaration).is_empty() {
                return Err(Failure::Unknown);
            }
            let iteration = self.iteration(module, declaration, key)?;
            let scope = Scope { iteration: iteration.as_ref(), ..Scope::of_module(module) };
            let own = self.value_in(module, declaration, &scope, &path.0);
            if own.is_some() || *path != Path::of("id") {
                return own.unwrap_or(Err(Failure::Unknown));
            }
            for (names, separator) in COMPUTED_IDS {
                let part = |name: &&str| self.value_in(module, declaration, &scope, &[Step::Name((*name).to_owned())]);
                if let Some(parts) = names.iter().map(part).collect::<Option<Vec<_>>>() {
                    let texts = parts.into_iter().map(|part| text(&*part?).ok_or(Failure::Unknown));
                    let texts = texts.collect::<Result<Vec<_>, _>>()?;
                    return Ok(Rc::new(Value::from(texts.join(separator))));
                }
            }
            self.imported_id(module, declaration, iteration.map(|iteration| iteration.key))
        })
    }

    fn imported_id(&self, module: usize, declaration: &str, key: Option<Key>) -> Evaluated {
        let (resource_type, name) = declaration.split_once('.').ok_or(Failure::Unknown)?;
        let address = super::Address {
            modules: self.modules[module].steps.clone(),
            resource_type: resource_type.to_owned(),
            name: name.to_owned(),
            key,
        };
        let import = self.imports.iter().find(|import| import.to == address).and_then(|import| import.id.clone());
        import.map(|id| Rc::new(Value::from(id))).ok_or(Failure::Unknown)
    }
}

/// Attributes that the provider makes an id of, with the separator between them: of a guest, and of a token. Seen in states of
/// bpg/proxmox 0.111.1.
const COMPUTED_IDS: &[(&[&str], &str)] = &[(&["vm_id"], ""), (&["user_id", "token_name"], "!")];

/// Number of parsed bodies that are kept. A block of a guest takes about twenty kilobytes.
const KEPT_BODIES: usize = 256;

/// The key that an index means.
fn key_of(step: &Step) -> Key {
    match step {
        Step::Index(index) => Key::Number(u64::try_from(*index).unwrap_or(u64::MAX)),
        Step::Name(name) | Step::Where(_, name) => Key::Text(name.clone()),
    }
}

/// The keys and values of a collection that `for_each` goes over. The keys of a set are its values.
fn keyed(collection: &Value) -> Option<Vec<(String, Rc<Value>)>> {
    let elements = entries(collection)?.into_iter().map(|(key, value)| match collection {
        Value::Array(_) if has_unknown(value) => None,
        Value::Array(_) => Some((text(value)?, Rc::new(value.clone()))),
        _ => Some((text(&key)?, Rc::new(value.clone()))),
    });
    elements.collect()
}

/// The block of a body that is one block.
pub(super) fn block_of(body: &Body) -> Option<&Block> {
    body.blocks().next()
}

/// The attribute of a body that is one attribute.
pub(super) fn attribute_of(body: &Body) -> Option<&Attribute> {
    body.attributes().next()
}
