//! A kind of object, Proxmox's half: where its objects are read, how they are written, and what its keys mean.

use super::key::Key;
use super::source::{LocalId, Reading, Source};
use super::write::{Write, Writing, where_read};
use crate::cluster::Cluster;
use crate::{ApiPath, Entry, Identity, Listing, Object, Unreadable};

/// Kind of object, Proxmox's half. The importer and the twin read it; the generators have the other half, which says
/// where an object goes.
pub struct Kind {
    /// The word of filters and reports: `vm`, `container`, `storage`.
    pub id: &'static str,
    /// The first part of its identities: `qemu` of `qemu/101`.
    pub prefix: &'static str,
    /// The name for people: `virtual machine`.
    pub title: &'static str,
    /// Every key that Proxmox may show of it.
    pub keys: &'static [Key],
    /// The source that its objects are read from.
    pub source: Source,
    /// The way in which its objects are written through the API.
    pub writing: Writing,
}

impl Kind {
    /// The requests whose answers `list` and `read` need, given the answers so far. The importer calls this after each
    /// round of answers until it returns nothing new; no request is sent twice.
    pub fn requests(&self, cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
        match &self.source {
            Source::Own { requests, .. } => requests(cluster),
            Source::Listed(listed) => listed.requests(cluster),
        }
    }

    /// The list of the objects.
    pub fn list(&self, cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
        match &self.source {
            Source::Own { list, .. } => list(cluster),
            Source::Listed(listed) => listed.list(self.prefix, cluster),
        }
    }

    /// One object with its keys, or the reason why it was not read.
    pub fn read(&self, cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
        match &self.source {
            Source::Own { read, .. } => read(cluster, entry),
            Source::Listed(listed) => listed.read(cluster, entry),
        }
    }

    /// The location and the local id of an object, for a kind that is read from lists.
    pub fn at(&self, identity: &Identity) -> Option<LocalId> {
        match &self.source {
            Source::Own { .. } => None,
            Source::Listed(listed) => listed.locate(identity.id()),
        }
    }

    /// The entry of this key; `None` for a key that is not in the table.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.matches(name))
    }

    /// The way in which this object is written; `None` where the API has none.
    pub fn write(&self, cluster: &Cluster<'_>, object: &Object) -> Option<Write> {
        match (&self.writing, &self.source) {
            (Writing::Own(write), _) => write(cluster, object),
            (Writing::WhereRead { always }, Source::Listed(listed)) => {
                where_read(cluster, listed, self.keys, always, object)
            }
            _ => None,
        }
    }
}
