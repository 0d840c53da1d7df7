//! Jobs that copy users and groups of a directory into Proxmox (`jobs.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::{Create, Write, Writing};
use crate::rows::RowId;
use crate::{ApiPath, Object};

/// A realm-sync job.
pub(super) static KIND: Kind = Kind {
    id: "realm_sync",
    prefix: "realm-sync",
    title: "realm-sync job",
    keys: &[
        Key::new("comment", Form::Text),
        Key::new("enable-new", Form::Boolean).default("1"),
        Key::new("enabled", Form::Boolean).default("1"),
        Key::new("id", Form::Text).fixed(),
        Key::new("last-run", Form::Integer).volatile(),
        Key::new("next-run", Form::Integer).volatile(),
        Key::new("realm", Form::Text).fixed(),
        Key::new("remove-vanished", Form::Text).default("none"),
        Key::new("schedule", Form::Text),
        Key::new("scope", Form::Text),
        Key::new("type", Form::Text).fixed(),
    ],
    source: Source::Listed(Listed::cluster("jobs/realm-sync", Shape::Rows(RowId::Key("id")))),
    writing: Writing::Own(|_, object| Some(write(object))),
};

/// The way in which a job is written: it is created at its own path, and only then takes its realm.
fn write(object: &Object) -> Write {
    let path = ApiPath::new(["cluster", "jobs", "realm-sync", object.entry.identity.id()]);
    let values = object.text("realm").map(|realm| ("realm".to_owned(), realm)).into_iter().collect();
    Write { create: Some(Create { path: path.clone(), values }), ..Write::at(path) }
}
