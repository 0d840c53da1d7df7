//! One object on its way to becoming a block: keys are taken from it, attributes are written, and whatever nobody took
//! is seen to be left over.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::kinds::{self, Class, Kind};
use proxmox_mpc_model::{Cluster, Entry, Identity, Object, Unreadable, boolean, object};
use serde_json::Value as Json;

use crate::ansible::AnsibleKey;
use crate::coverage::Fate;
use crate::hcl::{Block, Content, Item, Value};
use crate::names;
pub use crate::property_options::PropertyOptions;

/// Why an object cannot be imported, and what its owner can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The reason, with its fact.
    pub reason: String,
    /// A command or a step; `None` where nothing helps.
    pub remedy: Option<String>,
}

impl Obstacle {
    /// An object that must stay out.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), remedy: None }
    }

    /// The same with what its owner can do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// What ends a row early.
#[derive(Debug)]
pub enum RowError {
    /// The object cannot be imported.
    Obstacle(Obstacle),
    /// A stored answer cannot be read.
    Unreadable(Unreadable),
}

impl From<Obstacle> for RowError {
    fn from(obstacle: Obstacle) -> Self {
        Self::Obstacle(obstacle)
    }
}

impl From<Unreadable> for RowError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// What a row returns.
pub type RowResult = Result<(), RowError>;

/// Something that the user should know of an object that is code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it is.
    pub text: String,
    /// What its owner can do; `None` where there is nothing to do.
    pub remedy: Option<String>,
}

/// A variable of the generated code.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// What it is for.
    pub description: String,
    /// Its default: a plan must not ask for what only a creation needs.
    pub default: VariableDefault,
    /// Whether Terraform must not show it.
    pub sensitive: bool,
}

/// The default of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VariableDefault {
    /// `null`: as if the attribute were not written.
    Null,
    /// A text.
    Text(String),
    /// No pair: the variable is a map of texts.
    Map,
}

/// An object on its way to becoming a block.
pub struct Draft<'a> {
    /// The object.
    pub object: &'a Object,
    /// Everything else of its cluster.
    pub cluster: &'a Cluster<'a>,
    /// Proxmox's translation of its kind.
    pub kind: &'static Kind,
    /// The address of every object that has code.
    pub addresses: &'a BTreeMap<Identity, String>,
    pub(crate) attributes: Vec<Item>,
    pub(crate) blocks: Vec<Item>,
    pub(crate) fates: BTreeMap<String, Fate>,
    /// The addresses of what it stands on and does not name.
    pub(crate) dependencies: Vec<String>,
    pub(crate) ignored: Vec<(Vec<String>, Option<Cow<'static, str>>)>,
    pub(crate) remarks: Vec<Remark>,
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) entrusted: Vec<AnsibleKey>,
    /// Values with a switch that the provider reads otherwise than Proxmox.
    pub(crate) misread: Vec<PropertyOptions>,
    /// Whether Ansible can keep what the provider cannot say.
    ansible: bool,
    /// Whether another object has the same label.
    shares_label: bool,
}

impl<'a> Draft<'a> {
    /// A draft without a line.
    pub fn new(
        object: &'a Object,
        cluster: &'a Cluster<'a>,
        kind: &'static Kind,
        addresses: &'a BTreeMap<Identity, String>,
        ansible: bool,
    ) -> Self {
        Self {
            object,
            cluster,
            kind,
            addresses,
            attributes: Vec::new(),
            blocks: Vec::new(),
            fates: BTreeMap::new(),
            dependencies: Vec::new(),
            ignored: Vec::new(),
            remarks: Vec::new(),
            variables: BTreeMap::new(),
            entrusted: Vec::new(),
            misread: Vec::new(),
            ansible,
            shares_label: false,
        }
    }

    /// Another object has the same label, as a resource of another type: a variable that is named for the label says
    /// which of them it is for.
    pub(crate) fn share_label(&mut self) {
        self.shares_label = true;
    }

    /// The label of the object's own address: `web`.
    pub fn label(&self) -> &str {
        let address = self.addresses.get(&self.object.entry.identity).map_or("", String::as_str);
        address.split_once('.').map_or(address, |(_, label)| label)
    }

    /// How the object is called in a sentence: `virtual machine 100 (web)`.
    pub fn title(&self) -> String {
        title(self.kind, &self.object.entry)
    }

    // Reading: what is taken counts as code until something else is said of it.

    /// The value of a key.
    pub fn take(&mut self, key: &str) -> Option<&'a Json> {
        let value = self.object.keys.get(key)?;
        self.fates.entry(key.to_owned()).or_insert(Fate::Terraform);
        Some(value)
    }

    /// The value of a key as text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.take(key).and_then(object::text)
    }

    /// The value of a key as a whole number; what is none is left as if it were absent.
    pub fn integer(&mut self, key: &str) -> Option<i64> {
        self.text(key)?.parse().ok()
    }

    /// The value of a 0/1 key as the provider decodes it: only a bare 1 is true, quoted ones are false
    /// (docs/provider.md, T41). Absent keys have Proxmox's default.
    pub fn flag(&mut self, key: &str) -> bool {
        match self.take(key) {
            Some(value) => value.as_u64() == Some(1) || value.as_bool() == Some(true),
            None => self.kind.key(key).and_then(|key| key.default).and_then(boolean::parse) == Some(true),
        }
    }

    /// The values of a family (`net`), by index.
    pub fn family(&mut self, stem: &str) -> BTreeMap<u32, String> {
        let values: BTreeMap<u32, String> = self.values(stem).collect();
        for index in values.keys() {
            self.fates.entry(format!("{stem}{index}")).or_insert(Fate::Terraform);
        }
        values
    }

    /// The values of a family that another row takes.
    pub fn values(&self, stem: &str) -> impl Iterator<Item = (u32, String)> {
        let keys = self.object.keys.iter();
        keys.filter_map(move |(key, value)| Some((kinds::index(stem, key)?, object::text(value)?)))
    }

    /// The options of a key that Proxmox shows as an object, such as a part.
    pub fn map(&mut self, key: &str) -> Option<PropertyOptions> {
        let options = self.take(key)?.as_object()?.iter();
        let rest = options.filter_map(|(name, value)| Some((Some(name.clone()), object::text(value)?))).collect();
        Some(PropertyOptions::of(key, rest))
    }

    /// The options of a property string.
    pub fn options(&mut self, key: &str) -> Option<PropertyOptions> {
        let text = self.text(key)?;
        Some(PropertyOptions::new(key, &text))
    }

    // Saying what became of a key.

    /// Says what became of a key.
    pub fn set_fate(&mut self, key: &str, fate: Fate) {
        if self.object.keys.contains_key(key.split('.').next().unwrap_or(key)) {
            self.fates.insert(key.to_owned(), fate);
        }
    }

    /// Whether the key has Proxmox's default.
    pub(crate) fn is_default(&self, key: &str) -> bool {
        is_default(self.kind, self.object, key)
    }

    /// The key has the value that it would have without code.
    pub fn set_default(&mut self, key: &str) {
        self.set_fate(key, Fate::Default);
    }

    /// The key is configuration that the provider cannot say, and Ansible can.
    pub fn keep_in_ansible(&mut self, key: &str, reason: impl Into<Cow<'static, str>>) {
        let reason = reason.into();
        let Some(value) = self.object.keys.get(key) else { return };
        let (key, value) = (key.to_owned(), value.clone());
        self.entrusted.retain(|one| one.part.is_some() || one.key != key);
        let why = reason.to_string();
        self.entrusted.push(AnsibleKey { part: None, key: key.clone(), option: None, value, reason: why });
        self.fates.insert(key, Fate::Ansible(reason));
    }

    /// The same for an option of a part: `icmp-type` of `rule3`.
    pub fn keep_option_in_ansible(&mut self, part: &str, option: &str, reason: impl Into<Cow<'static, str>>) {
        let reason = reason.into();
        let Some(value) = self.object.keys.get(part).and_then(|part| part.get(option)) else { return };
        let (key, value, why) = (option.to_owned(), value.clone(), reason.to_string());
        self.entrusted.push(AnsibleKey { part: Some(part.to_owned()), key, option: None, value, reason: why });
        self.fates.insert(format!("{part}.{option}"), Fate::Ansible(reason));
    }

    /// The provider knows nothing of these options of a value (`wwn` of `scsi1`) and drops them when it writes the value: Ansible
    /// puts each into the value as it is then. What the table does not know is as for [`Draft::explain_remaining`].
    pub fn keep_options_in_ansible(&mut self, options: &PropertyOptions, table: &[(&str, &'static str)]) {
        let mut rest = options.clone();
        let whole = matches!(self.fates.get(&options.key), Some(Fate::Ansible(_)));
        for (option, reason) in table.iter().filter(|_| self.ansible && !whole) {
            let Some(value) = rest.take_raw(option) else { continue };
            self.entrusted.push(AnsibleKey {
                part: None,
                key: options.key.clone(),
                option: Some((*option).to_owned()),
                value: value.into(),
                reason: (*reason).to_owned(),
            });
            self.fates.insert(format!("{}.{option}", options.key), Fate::Ansible((*reason).into()));
        }
        self.explain_remaining(&rest, table);
    }

    /// The provider cannot say the key (`migrate_speed`), or an option inside its value (`scsi1.wwn`). A whole key is
    /// entrusted to Ansible, where that can say it; an option alone cannot be written.
    pub fn not_in_provider(&mut self, key: &str, reason: impl Into<Cow<'static, str>>) {
        let taken = self.kind.key(key).is_none_or(|key| !matches!(key.class, Class::Fixed | Class::Shown));
        if self.ansible && taken && !key.contains('.') {
            self.keep_in_ansible(key, reason);
        } else {
            self.not_expressible(key, reason);
        }
    }

    /// The key is configuration that no code can say.
    pub fn not_expressible(&mut self, key: &str, reason: impl Into<Cow<'static, str>>) {
        self.set_fate(key, Fate::NotExpressible(reason.into()));
    }

    /// Says of each option that was not taken why the provider cannot say it; what the table does not know is not
    /// covered.
    pub fn explain_remaining(&mut self, options: &PropertyOptions, table: &[(&str, &'static str)]) {
        const SKIPPED: &str = "the provider skips a value with a second `=` in it";
        if !options.misread.is_empty() {
            self.misread.push(options.clone());
        }
        for (name, value) in &options.rest {
            let skipped = name.is_some() && value.contains('=');
            let name = name.as_deref().unwrap_or("(first)");
            let known = table.iter().find(|(known, _)| *known == name).map(|(_, reason)| *reason);
            let reason = known.or(skipped.then_some(SKIPPED));
            let fate = reason.map_or(Fate::NotCovered, |reason| Fate::NotExpressible(reason.into()));
            self.set_fate(&format!("{}.{name}", options.key), fate);
        }
    }

    // Writing.

    /// Adds an attribute.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.attributes.push(Item { comment: Vec::new(), content: Content::Attribute(name.to_owned(), value.into()) });
    }

    /// Adds an attribute where there is a value.
    pub fn set_some(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds a nested block.
    pub fn add_block(&mut self, block: Block) {
        self.blocks.push(Item { comment: Vec::new(), content: Content::Block(block) });
    }

    /// Adds a nested block with a sentence above it.
    pub fn add_commented_block(&mut self, comment: &str, block: Block) {
        self.blocks.push(Item { comment: vec![comment.to_owned()], content: Content::Block(block) });
    }

    /// Whether a nested block of this name stands already.
    pub fn has_block(&self, name: &str) -> bool {
        self.blocks.iter().any(|item| matches!(&item.content, Content::Block(block) if block.name == name))
    }

    /// Adds attribute paths to `ignore_changes`, with the reason that stands above them, once for all that have the same.
    pub fn ignore(&mut self, paths: &[&str], why: impl Into<Cow<'static, str>>) {
        self.ignore_for(paths, Some(why.into()));
    }

    /// The same where the header of the file says why (`notes`).
    pub fn ignore_without_comment(&mut self, paths: &[&str]) {
        self.ignore_for(paths, None);
    }

    /// The same for whole blocks, of which single attributes may be ignored already.
    pub fn ignore_blocks(&mut self, blocks: &[&str], why: impl Into<Cow<'static, str>>) {
        let is_inside = |path: &String| blocks.iter().any(|block| path.starts_with(&format!("{block}[")));
        for (paths, _) in &mut self.ignored {
            paths.retain(|path| !is_inside(path));
        }
        self.ignored.retain(|(paths, _)| !paths.is_empty());
        self.ignore(blocks, why);
    }

    /// Adds lines above everything that the block holds.
    pub fn comment_first(&mut self, lines: impl IntoIterator<Item = String>) {
        if let Some(item) = self.attributes.first_mut() {
            item.comment.extend(lines);
        }
    }

    /// Adds a sentence above the first nested block of this name.
    pub fn comment_on(&mut self, name: &str, comment: String) {
        let is_one = |item: &&mut Item| matches!(&item.content, Content::Block(block) if block.name == name);
        if let Some(item) = self.blocks.iter_mut().find(is_one) {
            item.comment.push(comment);
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

    /// Says that what is at this address must be there before the object is made.
    pub fn depend_on(&mut self, address: String) {
        if !self.dependencies.contains(&address) {
            self.dependencies.push(address);
        }
    }

    /// Tells the user something.
    pub fn remark(&mut self, text: impl Into<String>, remedy: Option<String>) {
        self.remarks.push(Remark { text: text.into(), remedy });
    }

    /// An attribute of another object, where that object has code.
    pub fn reference(&self, identity: &Identity, attribute: &str) -> Option<Value> {
        self.addresses.get(identity).map(|address| Value::Reference(format!("{address}.{attribute}")))
    }

    /// A variable, made on its first use. Whatever begins with the object's label is the object's alone.
    pub fn variable(&mut self, mut name: String, variable: Variable) -> Value {
        if self.shares_label && name.starts_with(&format!("{}_", self.label())) {
            name = format!("{name}_{}", names::digest(&self.object.entry.identity, 0));
        }
        let reference = Value::Reference(format!("var.{name}"));
        self.variables.insert(name, variable);
        reference
    }
}

/// Whether a key of an object has Proxmox's default.
pub(crate) fn is_default(kind: &Kind, object: &Object, key: &str) -> bool {
    let default = kind.key(key).and_then(|key| key.default);
    default.is_some() && object.text(key).as_deref() == default
}

/// How an object is called in a sentence: `virtual machine 100 (web)`, `network interface pve1 vmbr0`.
pub(crate) fn title(kind: &Kind, entry: &Entry) -> String {
    let id = entry.identity.id().replace('/', " ");
    let name = entry.name.as_deref().filter(|name| *name != entry.identity.id() && *name != id);
    format!("{} {id}{}", kind.title, name.map(|name| format!(" ({name})")).unwrap_or_default())
}
