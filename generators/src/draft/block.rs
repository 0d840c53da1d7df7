//! Block of a draft: attributes, nested blocks, `ignore_changes`, references and variables.

use std::borrow::Cow;
use std::collections::BTreeSet;

use hcl_edit::structure::Structure;
use proxmox_mpc_model::Identity;

use super::{Draft, Remark, Variable};
use crate::hcl::{self, Block, Value};
use crate::names;

impl Draft<'_> {
    /// Adds an attribute.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.attributes.push(hcl::attribute(name, value));
    }

    /// Adds an attribute if there is a value.
    pub fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds a nested block.
    pub fn add_block(&mut self, block: Block) {
        self.blocks.push(block.into());
    }

    /// Adds a nested block with a comment above it.
    pub fn add_commented_block(&mut self, comment: &str, block: Block) {
        let mut block = block.into();
        hcl::add_comment(&mut block, comment);
        self.blocks.push(block);
    }

    /// True if there is a nested block with this name.
    pub fn has_block(&self, name: &str) -> bool {
        self.blocks.iter().any(|item| is_block(item, name))
    }

    /// Adds attribute paths to `ignore_changes`. Paths with the same reason share one comment.
    pub fn ignore(&mut self, paths: &[&str], why: impl Into<Cow<'static, str>>) {
        self.ignore_for(paths, Some(why.into()));
    }

    /// Adds attribute paths to `ignore_changes` whose reason is in the header of the file (`notes`).
    pub fn ignore_without_comment(&mut self, paths: &[&str]) {
        self.ignore_for(paths, None);
    }

    /// Adds whole blocks to `ignore_changes`, in place of single attributes of theirs.
    pub fn ignore_blocks(&mut self, blocks: &[&str], why: impl Into<Cow<'static, str>>) {
        let is_inside = |path: &String| blocks.iter().any(|block| path.starts_with(&format!("{block}[")));
        for (paths, _) in &mut self.ignored {
            paths.retain(|path| !is_inside(path));
        }
        self.ignored.retain(|(paths, _)| !paths.is_empty());
        self.ignore(blocks, why);
    }

    /// Adds comment lines above everything in the block.
    pub fn comment_first(&mut self, lines: impl IntoIterator<Item = String>) {
        if let Some(item) = self.attributes.first_mut() {
            lines.into_iter().for_each(|line| hcl::add_comment(item, &line));
        }
    }

    /// Adds a comment above the first nested block with this name.
    pub fn comment_on(&mut self, name: &str, comment: &str) {
        if let Some(item) = self.blocks.iter_mut().find(|item| is_block(item, name)) {
            hcl::add_comment(item, comment);
        }
    }

    fn ignore_for(&mut self, paths: &[&str], why: Option<Cow<'static, str>>) {
        let known: BTreeSet<&String> = self.ignored.iter().flat_map(|(paths, _)| paths).collect();
        let new: Vec<String> =
            paths.iter().map(|path| (*path).to_owned()).filter(|path| !known.contains(path)).collect();
        match self.ignored.iter_mut().find(|(_, known)| *known == why) {
            _ if new.is_empty() => {}
            Some((paths, _)) => paths.extend(new),
            None => self.ignored.push((new, why)),
        }
    }

    /// Adds an address to `depends_on`.
    pub fn depend_on(&mut self, address: String) {
        if !self.dependencies.contains(&address) {
            self.dependencies.push(address);
        }
    }

    /// Adds a remark for the user.
    pub fn remark(&mut self, text: impl Into<String>, remedy: Option<String>) {
        self.remarks.push(Remark { text: text.into(), remedy });
    }

    /// A reference to an attribute of another object; `None` if that object has no code.
    pub fn reference(&self, identity: &Identity, attribute: &str) -> Option<Value> {
        self.addresses.get(identity).map(|address| Value::Reference(format!("{address}.{attribute}")))
    }

    /// Declares a variable and returns the reference to it. A name that begins with the object's label belongs to this object
    /// alone.
    pub fn variable(&mut self, mut name: String, variable: Variable) -> Value {
        if self.shares_label && name.starts_with(&format!("{}_", self.label())) {
            name = format!("{name}_{}", names::digest(&self.object.entry.identity, 0));
        }
        let reference = Value::Reference(format!("var.{name}"));
        self.variables.insert(name, variable);
        reference
    }
}

fn is_block(item: &Structure, name: &str) -> bool {
    item.as_block().is_some_and(|block| block.has_ident(name))
}
