//! A kind of object, Proxmox's half: where its objects are read, how they are written, and what its keys mean.

use super::key::Key;
use super::source::{At, Reading, Source};
use super::write::{Write, Writing, where_read};
use crate::cluster::Cluster;
use crate::{ApiPath, Entry, Identity, Listing, Object, Unreadable};

/// Proxmox's half of a kind of object. The importer and the twin read it; where the object goes is the generators'.
pub struct Kind {
    /// The word of filters and reports: `vm`, `container`, `storage`.
    pub id: &'static str,
    /// The first part of its identities: `qemu` of `qemu/101`.
    pub prefix: &'static str,
    /// How people call one of them: `virtual machine`.
    pub title: &'static str,
    /// Every key that Proxmox may show of it.
    pub keys: &'static [Key],
    /// Where they are read.
    pub source: Source,
    /// How they are written through the API.
    pub writing: Writing,
}

impl Kind {
    /// What must be asked, given what is known so far, so that `list` and `read` can answer. Asked again after
    /// each round of answers until nothing new is wanted; what was asked once is never asked again.
    pub fn requests(&self, cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
        match &self.source {
            Source::Own { requests, .. } => requests(cluster),
            Source::Listed(listed) => listed.requests(cluster),
        }
    }

    /// The objects that the lists show.
    pub fn list(&self, cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
        match &self.source {
            Source::Own { list, .. } => list(cluster),
            Source::Listed(listed) => listed.list(self.prefix, cluster),
        }
    }

    /// One object with its keys, or why it could not be read.
    pub fn read(&self, cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
        match &self.source {
            Source::Own { read, .. } => read(cluster, entry),
            Source::Listed(listed) => listed.read(cluster, entry),
        }
    }

    /// Where an object is, for a kind that is read from lists.
    pub fn at(&self, identity: &Identity) -> Option<At> {
        match &self.source {
            Source::Own { .. } => None,
            Source::Listed(listed) => listed.locate(identity.id()),
        }
    }

    /// What Proxmox says of this key, `None` for a key that nobody has written down.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.matches(name))
    }

    /// How this object is written; `None` where the API has no way.
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
