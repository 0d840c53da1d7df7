//! Package repositories of the nodes (`/etc/apt`), Proxmox's half.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Scope, Shape, Source};
use super::write::Writing;
use crate::object::text;
use crate::rows::RowId;

/// A repository in a file of APT, identified by the file and its place there: `/etc/apt/sources.list,0`. The API
/// switches it on and off, and changes nothing else of it.
pub(super) static REPOSITORY: Kind = Kind {
    id: "apt_repository",
    prefix: "apt-repository",
    title: "package repository",
    keys: &[
        Key::new("Comment", Form::Text).shown(),
        Key::new("Components", Form::Structure).shown(),
        Key::new("Enabled", Form::Boolean),
        Key::new("FileType", Form::Text).volatile(),
        Key::new("Options", Form::Structure).shown(),
        Key::new("Suites", Form::Structure).shown(),
        Key::new("Types", Form::Structure).shown(),
        Key::new("URIs", Form::Structure).shown(),
        Key::new("index", Form::Integer).fixed(),
        Key::new("path", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("apt/repositories", Shape::Rows(RowId::Made(place))).at(&[Scope::Node]).rows(repositories),
    ),
    writing: Writing::No,
};

/// A repository that Proxmox can add by itself, known by a handle (`no-subscription`). It has a status where it is set
/// up; the repository in its file says whether it is on.
pub(super) static STANDARD: Kind = Kind {
    id: "apt_standard_repository",
    prefix: "apt-standard-repository",
    title: "standard package repository",
    keys: &[
        Key::new("description", Form::Text).volatile(),
        Key::new("handle", Form::Text).fixed(),
        Key::new("name", Form::Text).volatile(),
        Key::new("status", Form::Boolean).volatile(),
    ],
    source: Source::Listed(
        Listed::cluster("apt/repositories", Shape::Rows(RowId::Key("handle")))
            .at(&[Scope::Node])
            .rows(|answer| objects(&answer["standard-repos"]).cloned().collect())
            .adjust(|row| row.get("status").and_then(text).is_some()),
    ),
    writing: Writing::No,
};

fn objects(list: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    list.as_array().into_iter().flatten().filter_map(Value::as_object)
}

/// The repositories of all files, each with its file and its place there.
fn repositories(answer: &Value) -> Vec<Map<String, Value>> {
    let mut rows = Vec::new();
    for file in objects(&answer["files"]) {
        let Some(path) = file.get("path") else { continue };
        for (index, repository) in file.get("repositories").into_iter().flat_map(objects).enumerate() {
            let mut row = repository.clone();
            row.insert("path".to_owned(), path.clone());
            row.insert("index".to_owned(), index.into());
            rows.push(row);
        }
    }
    rows
}

fn place(row: &Map<String, Value>) -> Option<String> {
    Some(format!("{},{}", text(row.get("path")?)?, text(row.get("index")?)?))
}
