//! Tasks of Ansible: each sets the keys of one object of the API.

use proxmox_mpc_model::kinds::{self, Class, Form, Kind, Member, PartsWrite, Write};
use proxmox_mpc_model::{Identity, Object, object};
use serde_json::Value as Json;

use super::role::Role;
use super::secret_names::SecretNames;
use super::text::anchor;
use crate::yaml::{self, Node};

/// A key that Ansible keeps for an object that is otherwise in Terraform.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AnsibleKey {
    /// Part of the object that has the key (`rule3`); `None` for a key of the object itself.
    pub(crate) part: Option<String>,
    /// Name of the key.
    pub(crate) key: String,
    /// Option of the value; `None` if Ansible keeps the whole value.
    pub(crate) option: Option<String>,
    /// The value.
    pub(crate) value: Json,
    /// The reason why it is not in Terraform.
    pub(crate) reason: String,
}

impl AnsibleKey {
    /// True for this key of this part.
    fn is_of(&self, part: &str, key: &str) -> bool {
        self.part.as_deref() == Some(part) && self.key == key
    }

    /// Full name of the key: `scsi1.wwn` for an option, `rule3.icmp-type` for a key of a part.
    fn full_name(&self) -> String {
        let words = [self.part.as_ref(), Some(&self.key), self.option.as_ref()];
        words.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

/// A task: one object of the API, and the values that it should have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Task {
    title: String,
    /// Reasons why it is not in Terraform, each with its keys; without keys it holds for all.
    reasons: Vec<(String, Vec<String>)>,
    path: String,
    read: Option<String>,
    /// Values that identify a row of the list at the path; empty if the path is that of the object.
    row: Vec<(String, Node)>,
    member: Option<Member>,
    create: Option<(String, Vec<(String, Node)>)>,
    /// Values that a creation takes instead of others.
    instead: Vec<(String, Node)>,
    always: Vec<(String, Node)>,
    along: &'static [&'static str],
    values: Vec<(String, Node)>,
    /// Options inside the values of keys that Terraform writes.
    options: Vec<(String, Vec<(String, Node)>)>,
    /// Keys that are secrets.
    secrets: Vec<String>,
    /// Secrets that are lists.
    lists: Vec<String>,
    sets: Vec<String>,
    notify: Option<&'static str>,
}

impl Task {
    /// Tasks for a whole object: one for the object and one for each of its parts. A key that the kind's table does not have is
    /// included if `unknown` returns true.
    pub(crate) fn whole(
        kind: &Kind,
        object: &Object,
        title: &str,
        reason: &str,
        write: &Write,
        role: Role,
        unknown: &dyn Fn(&String) -> bool,
    ) -> Vec<Self> {
        let part = |key: &str| write.parts.filter(|parts| kinds::index(parts.stem, key).is_some());
        let made = |key: &str| write.create.iter().flat_map(|create| &create.values).any(|(name, _)| name == key);
        let mut own = Self::new(title, reason, write, role);
        let mut tasks = Vec::new();
        let mut keys: Vec<&String> = object.keys.keys().collect();
        keys.sort_by_key(|key| kinds::natural(key));
        for key in keys {
            let value = &object.keys[key];
            if part(key).is_some() {
                tasks.extend(Self::part(title, reason, write, role, key, value));
                continue;
            }
            match kind.key(key).map(|key| key.class) {
                Some(Class::Config) if write.member.is_none() && !made(key) => own.value(kind, key, value),
                Some(Class::Secret) => {
                    own.secrets.push(key.clone());
                    own.lists.extend(value.is_array().then(|| key.clone()));
                }
                None if write.member.is_none() && unknown(key) => own.value(kind, key, value),
                _ => {}
            }
        }
        for key in kind.keys.iter().filter(|key| !object.keys.contains_key(key.name)) {
            if key.beside.is_some_and(|other| object.keys.contains_key(other)) {
                own.secrets.push(key.name.to_owned());
            }
        }
        // A list that consists of its parts alone always exists, so it needs no task.
        if write.parts.is_none() || write.create.is_some() {
            tasks.insert(0, own);
        }
        tasks
    }

    /// Tasks for some keys of an object: one for the object and one for each part with such keys. A part is found by its other
    /// values, because its position may have changed by the time that the task runs.
    pub(crate) fn some(
        kind: &Kind,
        object: &Object,
        title: &str,
        entrusted: &[AnsibleKey],
        write: &Write,
        role: Role,
    ) -> Vec<Self> {
        let identifying = |part: &str, parts: &PartsWrite| {
            let is_set_here = |key: &str| key == parts.key || entrusted.iter().any(|one| one.is_of(part, key));
            let keys = object.keys.get(part).and_then(Json::as_object).into_iter().flatten();
            let mut row: Vec<(String, Node)> =
                keys.filter(|(key, _)| !is_set_here(key)).map(|(key, value)| (key.clone(), value.into())).collect();
            row.sort_by(|(one, _), (other, _)| one.cmp(other));
            row
        };
        let mut tasks: Vec<(Option<&String>, Self)> = Vec::new();
        for one in entrusted {
            if tasks.last().is_none_or(|(part, _)| *part != one.part.as_ref()) {
                let mut task = Self::new(title, &one.reason, write, role);
                task.reasons.clear();
                task.create = None;
                if let (Some(part), Some(parts)) = (&one.part, write.parts) {
                    task.row = identifying(part, &parts);
                    task.title = format!("{title}, {part}");
                }
                tasks.push((one.part.as_ref(), task));
            }
            let Some((_, task)) = tasks.last_mut() else { continue };
            task.reason(&one.reason, one.full_name());
            match (kind.key(&one.key).map(|key| key.class), &one.option) {
                (_, Some(option)) => task.option(&one.key, option, &one.value),
                (Some(Class::Secret), None) if one.part.is_none() => task.secrets.push(one.key.clone()),
                _ => task.value(kind, &one.key, &one.value),
            }
        }
        tasks.into_iter().map(|(_, task)| task).collect()
    }

    fn new(title: &str, reason: &str, write: &Write, role: Role) -> Self {
        let texts = |pairs: &[(String, String)]| -> Vec<(String, Node)> {
            pairs.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect()
        };
        Self {
            title: title.to_owned(),
            reasons: vec![(reason.to_owned(), Vec::new())],
            path: write.path.to_string(),
            read: write.read.as_ref().map(ToString::to_string),
            row: Vec::new(),
            member: write.member.clone(),
            create: write.create.as_ref().map(|create| (create.path.to_string(), texts(&create.values))),
            instead: texts(&write.instead),
            always: texts(&write.always),
            along: write.along,
            values: Vec::new(),
            options: Vec::new(),
            secrets: Vec::new(),
            lists: Vec::new(),
            sets: Vec::new(),
            notify: role.handler.map(|handler| handler.title),
        }
    }

    /// Task for a part: a rule by its position, an address by its value.
    fn part(title: &str, reason: &str, write: &Write, role: Role, key: &str, value: &Json) -> Option<Self> {
        let parts = write.parts?;
        let index = kinds::index(parts.stem, key)?;
        let keys = value.as_object()?;
        let id = keys.get(parts.key).and_then(object::text).unwrap_or_else(|| index.to_string());
        let mut task = Self::new(&format!("{title}, {} {id}", parts.stem), reason, write, role);
        let list = task.path.clone();
        task.path = proxmox_mpc_model::ApiPath::new(write.path.segments().into_iter().chain([id.clone()])).to_string();
        task.create = Some((list, vec![(parts.key.to_owned(), id.as_str().into())]));
        for (key, value) in keys.iter().filter(|(key, _)| *key != parts.key) {
            task.values.push((key.clone(), value.into()));
        }
        task.values.sort_by(|(one, _), (other, _)| one.cmp(other));
        Some(task)
    }

    /// Adds a key to a reason.
    fn reason(&mut self, reason: &str, key: String) {
        match self.reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, keys)) if keys.contains(&key) => {}
            Some((_, keys)) => keys.push(key),
            None => self.reasons.push((reason.to_owned(), vec![key])),
        }
    }

    fn option(&mut self, key: &str, option: &str, value: &Json) {
        let pair = (option.to_owned(), value.into());
        match self.options.iter_mut().find(|(known, _)| known == key) {
            Some((_, options)) => options.push(pair),
            None => self.options.push((key.to_owned(), vec![pair])),
        }
    }

    fn value(&mut self, kind: &Kind, key: &str, value: &Json) {
        let node = match kind.key(key).map(|key| key.form) {
            Some(Form::Set(separator)) => {
                self.sets.push(key.to_owned());
                Node::from(set(value, separator))
            }
            Some(Form::Properties(_)) => Node::from(&properties(value)),
            _ => value.into(),
        };
        self.values.push((key.to_owned(), node));
    }

    /// Text of the task, below comments with its object and the reasons.
    pub(crate) fn render(&self, identity: &Identity, names: &SecretNames) -> String {
        let mut arguments = vec![("path", Node::from(self.path.as_str()))];
        if let Some(read) = &self.read {
            arguments.push(("read", read.as_str().into()));
        }
        if !self.row.is_empty() {
            arguments.push(("row", Node::Map(self.row.clone())));
        }
        if let Some(Member { list, key, value }) = &self.member {
            arguments.push(("member", vec![("list", (*list).into()), (*key, value.as_str().into())].into()));
        }
        if !self.values.is_empty() {
            arguments.push(("values", Node::Map(self.values.clone())));
        }
        if !self.options.is_empty() {
            let options = self.options.iter().map(|(key, options)| (key.clone(), Node::Map(options.clone())));
            arguments.push(("options", Node::Map(options.collect())));
        }
        if !self.sets.is_empty() {
            arguments.push(("sets", Node::List(self.sets.iter().map(|key| key.as_str().into()).collect())));
        }
        if !self.secrets.is_empty() {
            let lookup = |key: &String| {
                let split = if self.lists.contains(key) { ".split()" } else { "" };
                let name = names.variable(identity, key);
                Node::Template(format!("{{{{ lookup('ansible.builtin.env', '{name}'){split} }}}}"))
            };
            let secrets = self.secrets.iter().map(|key| (key.clone(), lookup(key))).collect();
            arguments.push(("secrets", Node::Map(secrets)));
        }
        if !self.always.is_empty() {
            arguments.push(("always", Node::Map(self.always.clone())));
        }
        if !self.along.is_empty() {
            arguments.push(("along", Node::List(self.along.iter().map(|key| (*key).into()).collect())));
        }
        if let Some((path, values)) = &self.create {
            let mut create = vec![("path", Node::from(path.as_str()))];
            if !values.is_empty() {
                create.push(("values", Node::Map(values.clone())));
            }
            if !self.instead.is_empty() {
                create.push(("instead", Node::Map(self.instead.clone())));
            }
            arguments.push(("create", create.into()));
        }
        let arguments = Node::from(arguments).literal();
        let mut task = vec![("name", Node::from(name(&self.title))), ("proxmox_object", arguments)];
        if let Some(handler) = self.notify {
            task.push(("notify", handler.into()));
        }
        let mut text = format!("# {}\n", anchor(identity));
        let reasons: Vec<String> = self.reasons.iter().map(|(why, keys)| sentence(why, keys)).collect();
        yaml::comment(&mut text, &reasons);
        text.push_str(&Node::List(vec![task.into()]).render());
        text
    }
}

/// Title that the linter accepts: without braces and tabs.
fn name(title: &str) -> String {
    title.replace('{', "(").replace('}', ")").replace('\t', " ")
}

/// Reason with the keys that it holds for: `` `kvm`, `tdf`: the provider has no attribute for it ``.
fn sentence(reason: &str, keys: &[String]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    if keys.is_empty() { reason.to_owned() } else { format!("{}: {reason}", keys.join(", ")) }
}

/// Set as text for a request; the answer has text or a list. It is sorted, because Proxmox prints sets in any order.
fn set(value: &Json, separator: char) -> String {
    let text = object::text(value).unwrap_or_default();
    let listed = value.as_array().into_iter().flatten().filter_map(object::text);
    let mut words: Vec<String> = text
        .split([separator, ' '])
        .map(|word| word.trim().to_owned())
        .chain(listed)
        .filter(|word| !word.is_empty())
        .collect();
    words.sort_unstable();
    words.join(&separator.to_string())
}

/// Property string, or the object that an answer shows for it, with its lists sorted: they are sets.
fn properties(value: &Json) -> Json {
    let mut value = value.clone();
    for list in
        value.as_object_mut().into_iter().flat_map(|options| options.values_mut()).filter_map(Json::as_array_mut)
    {
        list.sort_by_cached_key(object::text);
    }
    value
}
