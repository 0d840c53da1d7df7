//! Collection: a list of objects with the rules that writes to it follow.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::digest;

/// List of objects, and Proxmox's rules and messages for it.
pub(super) struct Collection {
    /// The list, as the schema has it: `/cluster/ha/rules`.
    pub(super) list: &'static str,
    /// Path at which an object is changed and removed: `/cluster/ha/rules/{rule}`.
    pub(super) single: &'static str,
    /// Path at which an object is created; most often the list.
    pub(super) create: &'static str,
    /// The key of a row that holds the id.
    pub(super) key: &'static str,
    /// The parameter of a creation that gives the id.
    pub(super) parameter: &'static str,
    /// Keys of an object that a list shows.
    pub(super) shape: Shape,
    /// The checksum that its objects carry.
    pub(super) digest: Option<digest::DigestForm>,
    /// Parameters that are no keys of the object, or that Proxmox shows nobody.
    pub(super) unseen: &'static [&'static str],
    /// Messages of Proxmox.
    pub(super) words: Messages,
    /// Refuses every write, whatever it is about; the verb is `create`, `update` or `delete`.
    pub(super) open: fn(&Transaction, &str) -> Result<(), Refusal>,
    /// Completes the id that a path gives.
    pub(super) id: fn(&Transaction, &str) -> Result<String, Refusal>,
    /// Refuses what the schema allows and Proxmox does not, and adds what Proxmox adds. On a change the second row is
    /// the object before it.
    pub(super) settle: fn(&Transaction, &Call, &mut Row, Option<&Row>) -> Result<(), Refusal>,
    /// Refuses an object that does not fit the others: a new one once it is known that none has its name, or a changed
    /// one. On a change the second row is the object before it.
    pub(super) fit: fn(&Transaction, &Call, &mut Row, Option<&Row>) -> Result<(), Refusal>,
    /// Makes the answer to a creation or a change; takes out of the row what is told only once.
    pub(super) answer: fn(&mut Row) -> Value,
    /// Makes the other changes that come with a created or changed object.
    pub(super) written: fn(&mut Transaction, &Call, &Row) -> Result<(), Refusal>,
    /// Refuses a removal.
    pub(super) part: fn(&Transaction, &Call, &Row) -> Result<(), Refusal>,
    /// Makes the other changes that come with a removed object, given by its id.
    pub(super) removed: fn(&mut Transaction, &Call, &str) -> Result<(), Refusal>,
}

/// Keys of an object that a list shows.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Everything that its own answer does, which is derived.
    Whole,
    /// These keys; the rest is in its own answer.
    Part(&'static [&'static str]),
}

/// Messages of Proxmox about an object; `{}` stands for the id.
pub(super) struct Messages {
    /// There is one already.
    pub(super) exists: Message,
    /// There is none to change.
    pub(super) missing: Message,
    /// There is none to remove.
    pub(super) gone: Message,
    /// Beginning of the message of a failed change.
    pub(super) update: &'static str,
}

/// Message about an object, in one of its forms.
#[derive(Clone, Copy)]
pub(super) enum Message {
    /// No message: Proxmox accepts it.
    Nothing,
    /// A message with status 500.
    Failed(&'static str),
    /// A message with another status.
    Status(u16, &'static str),
    /// A wrong parameter.
    Parameter(&'static str, &'static str),
}

impl Message {
    pub(super) fn about(self, id: &str) -> Result<(), Refusal> {
        let fill = |words: &str| words.replace("{}", id);
        match self {
            Self::Nothing => Ok(()),
            Self::Failed(words) => Err(Refusal::failed(fill(words))),
            Self::Status(status, words) => Err(Refusal::Message { status, text: fill(words) }),
            Self::Parameter(name, words) => Err(Refusal::parameter(name, fill(words))),
        }
    }
}

impl Collection {
    pub(super) fn is(&self, row: &Row, id: &str) -> bool {
        row.get(self.key).and_then(text).is_some_and(|own| own == id)
    }

    /// The keys that a call gives.
    pub(super) fn row(&self, call: &Call) -> Row {
        let mut row = call.given();
        row.retain(|key, _| !matches!(key.as_str(), "delete" | "digest") && !self.unseen.contains(&key.as_str()));
        row
    }

    /// Changes a row to what a GET shows: a section of Proxmox's files has `disable` or has it not.
    pub(super) fn read_back(&self, row: &mut Row) {
        if self.digest != Some(digest::DigestForm::Sha256) && row.get("disable").is_some_and(|disable| *disable == 0) {
            row.remove("disable");
        }
    }

    /// All keys of an object.
    pub(super) fn whole(&self, transaction: &Transaction, list: &ApiPath, id: &str, row: &Row) -> Result<Row, Refusal> {
        let mut whole = row.clone();
        if matches!(self.shape, Shape::Part(_)) {
            whole.extend(transaction.object(&single(list, id))?);
        }
        Ok(whole)
    }

    /// Writes the list, and the object that changed.
    pub(super) fn store(
        &self,
        transaction: &mut Transaction,
        list: &ApiPath,
        mut rows: Vec<Row>,
        changed: Option<(&str, Row)>,
    ) {
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

pub(super) fn single(list: &ApiPath, id: &str) -> ApiPath {
    ApiPath::new(list.segments().iter().map(String::as_str).chain([id]))
}
