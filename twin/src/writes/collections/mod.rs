//! Collections: lists of objects that are created with a POST, changed with a PUT and removed with a DELETE, all in the
//! same way. What they take comes from the schema; what differs is in [`table::COLLECTIONS`].

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use serde_json::Value;

use super::{Call, Refusal, Run, digest};
use crate::state::{Row, Transaction};

mod acme;
mod backup;
mod ha;
mod ha_rules;
mod networks;
mod notifications;
mod realms;
mod storages;
mod table;

pub(super) use ha::sid;
use table::COLLECTIONS;

/// One list of objects, and how Proxmox speaks of them.
pub(super) struct Collection {
    /// The list, as the schema has it: `/cluster/ha/rules`.
    pub(super) list: &'static str,
    /// Where an object is changed and removed: `/cluster/ha/rules/{rule}`.
    pub(super) single: &'static str,
    /// Where an object is created; most often the list.
    pub(super) create: &'static str,
    /// The key of a row that holds the id.
    pub(super) key: &'static str,
    /// The parameter of a creation that gives the id.
    pub(super) parameter: &'static str,
    /// What a list shows of an object.
    pub(super) shape: Shape,
    /// The checksum that its objects carry.
    pub(super) digest: Option<digest::Form>,
    /// Parameters that are no keys of the object, or that Proxmox shows nobody.
    pub(super) unseen: &'static [&'static str],
    /// What Proxmox says.
    pub(super) words: Words,
    /// Refuses every write, whatever it is about; the verb is `create`, `update` or `delete`.
    pub(super) open: fn(&Transaction, &str) -> Result<(), Refusal>,
    /// The id that one in a path means.
    pub(super) id: fn(&Transaction, &str) -> Result<String, Refusal>,
    /// Refuses what the schema allows and Proxmox does not, and adds what it adds itself. On a change the second row is
    /// the object before it.
    pub(super) settle: fn(&Transaction, &Call, &mut Row, Option<&Row>) -> Result<(), Refusal>,
    /// Refuses what does not go with the other objects: a new one once it is known that none has its name, or one that was
    /// changed. On a change the second row is the object before it.
    pub(super) fit: fn(&Transaction, &Call, &mut Row, Option<&Row>) -> Result<(), Refusal>,
    /// What a creation or a change answers; it takes out of the row what is told only once.
    pub(super) answer: fn(&mut Row) -> Value,
    /// What else changes with an object that was created or changed.
    pub(super) written: fn(&mut Transaction, &Call, &Row) -> Result<(), Refusal>,
    /// Refuses a removal.
    pub(super) part: fn(&Transaction, &Call, &Row) -> Result<(), Refusal>,
    /// What else goes with an object that was removed, by its id.
    pub(super) removed: fn(&mut Transaction, &Call, &str) -> Result<(), Refusal>,
}

/// What a list shows of an object.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Everything that its own answer does, which is derived.
    Whole,
    /// These keys; the rest is in its own answer.
    Part(&'static [&'static str]),
}

/// What Proxmox says; `{}` stands for the id.
pub(super) struct Words {
    /// There is one already.
    pub(super) exists: Said,
    /// There is none to change.
    pub(super) missing: Said,
    /// There is none to remove.
    pub(super) gone: Said,
    /// What stands before a failure of a change.
    pub(super) update: &'static str,
}

/// How something is said.
#[derive(Clone, Copy)]
pub(super) enum Said {
    /// Not at all: Proxmox does not mind.
    Nothing,
    /// A message with status 500.
    Failed(&'static str),
    /// A message with another status.
    Status(u16, &'static str),
    /// A wrong parameter.
    Parameter(&'static str, &'static str),
}

impl Said {
    fn about(self, id: &str) -> Result<(), Refusal> {
        let fill = |words: &str| words.replace("{}", id);
        match self {
            Self::Nothing => Ok(()),
            Self::Failed(words) => Err(Refusal::failed(fill(words))),
            Self::Status(status, words) => Err(Refusal::Message { status, text: fill(words) }),
            Self::Parameter(name, words) => Err(Refusal::parameter(name, fill(words))),
        }
    }
}

/// What does a method of a collection.
pub(super) fn method(verb: Verb, path: &str) -> Option<Run> {
    let has = |at: fn(&Collection) -> &'static str| COLLECTIONS.iter().any(|collection| at(collection) == path);
    match verb {
        Verb::Post if has(|collection| collection.create) => Some(create),
        Verb::Put if has(|collection| collection.single) => Some(update),
        Verb::Delete if has(|collection| collection.single) => Some(delete),
        _ => None,
    }
}

/// The collection of a call, and where its list is.
fn of(call: &Call, at: fn(&Collection) -> &'static str) -> Option<(&'static Collection, ApiPath)> {
    let collection = COLLECTIONS.iter().find(|collection| at(collection) == call.method.path)?;
    let segments = collection.list.split('/').filter(|part| !part.is_empty()).map(|part| {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        name.map_or_else(|| part.to_owned(), |name| call.text(name).unwrap_or_default())
    });
    Some((collection, ApiPath::new(segments)))
}

fn beyond(call: &Call) -> Refusal {
    Refusal::beyond_the_twin(&call.method.path)
}

fn create(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (collection, list) = of(call, |collection| collection.create).ok_or_else(|| beyond(call))?;
    (collection.open)(transaction, "create")?;
    let mut row = collection.row(call);
    if let Some(id) = call.text(collection.parameter) {
        row.remove(collection.parameter);
        row.insert(collection.key.to_owned(), id.into());
    }
    (collection.settle)(transaction, call, &mut row, None)?;
    collection.read_back(&mut row);
    let id = row.get(collection.key).and_then(text);
    let id =
        id.ok_or_else(|| Refusal::parameter(collection.parameter, "property is missing and it is not optional"))?;
    let mut rows = transaction.rows(&list)?;
    if rows.iter().any(|row| collection.is(row, &id)) {
        collection.words.exists.about(&id)?;
    }
    (collection.fit)(transaction, call, &mut row, None)?;
    let answer = (collection.answer)(&mut row);
    rows.push(row.clone());
    collection.store(transaction, &list, rows, Some((&id, row.clone())));
    (collection.written)(transaction, call, &row)?;
    Ok(answer)
}

fn update(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (collection, list) = of(call, |collection| collection.single).ok_or_else(|| beyond(call))?;
    (collection.open)(transaction, "update")?;
    let id = (collection.id)(transaction, call.segments.last().map_or("", String::as_str))?;
    let mut rows = transaction.rows(&list)?;
    let Some(at) = rows.iter().position(|row| collection.is(row, &id)) else {
        collection.words.missing.about(&id)?;
        return Ok(Value::Null);
    };
    let before = collection.whole(transaction, &list, &id, &rows[at])?;
    let mut row = before.clone();
    same_digest(call, &before, collection.words.update)?;
    remove_keys(call, &mut row)?;
    row.extend(collection.row(call));
    (collection.settle)(transaction, call, &mut row, Some(&before))?;
    collection.read_back(&mut row);
    (collection.fit)(transaction, call, &mut row, Some(&before))?;
    let answer = (collection.answer)(&mut row);
    rows[at].clone_from(&row);
    collection.store(transaction, &list, rows, Some((&id, row.clone())));
    (collection.written)(transaction, call, &row)?;
    Ok(answer)
}

fn delete(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (collection, list) = of(call, |collection| collection.single).ok_or_else(|| beyond(call))?;
    (collection.open)(transaction, "delete")?;
    let id = (collection.id)(transaction, call.segments.last().map_or("", String::as_str))?;
    let mut rows = transaction.rows(&list)?;
    let Some(at) = rows.iter().position(|row| collection.is(row, &id)) else {
        collection.words.gone.about(&id)?;
        return Ok(Value::Null);
    };
    (collection.part)(transaction, call, &rows[at])?;
    rows.remove(at);
    transaction.hide_below(&single(&list, &id));
    collection.store(transaction, &list, rows, None);
    (collection.removed)(transaction, call, &id)?;
    Ok(Value::Null)
}

impl Collection {
    fn is(&self, row: &Row, id: &str) -> bool {
        row.get(self.key).and_then(text).is_some_and(|own| own == id)
    }

    /// The keys that a call gives.
    fn row(&self, call: &Call) -> Row {
        let mut row = call.given();
        row.retain(|key, _| !matches!(key.as_str(), "delete" | "digest") && !self.unseen.contains(&key.as_str()));
        row
    }

    /// A row as it reads back: a section of Proxmox's files says `disable` or says nothing.
    fn read_back(&self, row: &mut Row) {
        if self.digest != Some(digest::Form::Sha256) && row.get("disable").is_some_and(|disable| *disable == 0) {
            row.remove("disable");
        }
    }

    /// All that is known of an object.
    fn whole(&self, transaction: &Transaction, list: &ApiPath, id: &str, row: &Row) -> Result<Row, Refusal> {
        let mut whole = row.clone();
        if matches!(self.shape, Shape::Part(_)) {
            whole.extend(transaction.object(&single(list, id))?);
        }
        Ok(whole)
    }

    /// Writes the list, and the object that changed.
    fn store(&self, transaction: &mut Transaction, list: &ApiPath, mut rows: Vec<Row>, changed: Option<(&str, Row)>) {
        let digest = self.digest.map(|form| digest::of(form, &rows));
        match self.shape {
            Shape::Whole => {
                for row in &mut rows {
                    if let Some(id) = row.get(self.key).and_then(text) {
                        transaction.hide(&single(list, &id));
                    }
                    if let Some(digest) = &digest {
                        row.insert("digest".to_owned(), digest.as_str().into());
                    }
                }
            }
            Shape::Part(shown) => {
                if let Some((id, mut row)) = changed {
                    if let Some(digest) = digest {
                        row.insert("digest".to_owned(), digest.into());
                    }
                    row.remove(self.key);
                    transaction.set(&single(list, id), row);
                }
                for row in &mut rows {
                    row.retain(|key, _| key == self.key || shown.contains(&key.as_str()));
                }
            }
        }
        transaction.set_rows(list, rows);
    }
}

fn single(list: &ApiPath, id: &str) -> ApiPath {
    ApiPath::new(list.segments().iter().map(String::as_str).chain([id]))
}

/// Refuses a change of what the client has not read: `PVE::Tools::assert_if_modified`.
pub(in crate::writes) fn same_digest(call: &Call, row: &Row, context: &str) -> Result<(), Refusal> {
    let (Some(given), Some(own)) = (call.text("digest"), row.get("digest").and_then(text)) else { return Ok(()) };
    if given == own {
        return Ok(());
    }
    let refusal = Refusal::failed("detected modified configuration - file changed by other user? Try again.");
    Err(if context.is_empty() { refusal } else { refusal.within(context) })
}

/// Takes out the keys that a call deletes: `PVE::SectionConfig::delete_from_config`.
pub(in crate::writes) fn remove_keys(call: &Call, row: &mut Row) -> Result<(), Refusal> {
    for key in call.list("delete") {
        if call.method.parameter(&key).is_none() || call.captured.contains(&key.as_str()) {
            return Err(Refusal::failed(format!("no such option '{key}'")));
        }
        if call.parameters.contains_key(&key) {
            return Err(Refusal::failed(format!("cannot set and delete property '{key}' at the same time!")));
        }
        row.remove(&key);
    }
    Ok(())
}
