//! Custom CPU models (`virtual-guest/cpu-models.conf`), Proxmox's half.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Reading, Source};
use super::write::Writing;
use super::write::{Create, Write};
use crate::object::text;
use crate::rows::RowId;
use crate::schema::Release;
use crate::{ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Reasons, Unreadable};

/// A custom CPU model. From 9.2 on there is a list of them that can be written. Before, the API shows no more than
/// their names and vendors, among all models that a node knows.
pub(super) static KIND: Kind = Kind {
    id: "cpu_model",
    prefix: "cpu-model",
    title: "CPU model",
    keys: &[
        Key::new("cputype", Form::Text).fixed(),
        Key::new("custom", Form::Boolean).volatile(),
        Key::new("digest", Form::Text).volatile(),
        Key::new("flags", Form::Text),
        Key::new("guest-phys-bits", Form::Integer),
        Key::new("hidden", Form::Boolean).default("0"),
        Key::new("hv-vendor-id", Form::Text),
        Key::new("level", Form::Integer),
        Key::new("name", Form::Text).fixed(),
        Key::new("phys-bits", Form::Text),
        Key::new("reported-model", Form::Text).default("kvm64"),
        Key::new("vendor", Form::Text),
    ],
    source: Source::Own { requests: |cluster| Ok(path(cluster).into_iter().collect()), list, read },
    writing: Writing::Own(write),
};

/// The list of models, as `PVE::API2::Cluster::Qemu` names it.
const MODELS: [&str; 3] = ["cluster", "qemu", "custom-cpu-models"];

/// The list of models that can be written, where the release has it.
fn writable(cluster: &Cluster<'_>) -> Option<ApiPath> {
    let release = Release::of(cluster.version.as_deref().unwrap_or_default());
    (release >= Release::NineTwo).then(|| ApiPath::new(MODELS))
}

/// The request for that list, or for the list of a node: the file is the cluster's, and every node shows the same of
/// it.
fn path(cluster: &Cluster<'_>) -> Option<ApiPath> {
    if let Some(path) = writable(cluster) {
        return Some(path);
    }
    let (node, _) = cluster.nodes.iter().find(|(_, online)| **online)?;
    Some(ApiPath::new(["nodes", node, "capabilities", "qemu", "cpu"]))
}

/// The name without the prefix that distinguishes it from the models of QEMU: `custom-fast` is `fast` in the file.
fn id(row: &Map<String, Value>) -> Option<String> {
    (row.get("custom").and_then(text).as_deref() == Some("1")).then(|| row.get("name").and_then(text))?
}

/// The id of a row, the keys that every row has, and the ACL path and privilege that show all of them, for either list.
fn named(cluster: &Cluster<'_>) -> (RowId, &'static [&'static str], (&'static str, &'static str)) {
    match writable(cluster) {
        Some(_) => (RowId::Key("cputype"), &["cputype"], ("/mapping/cpu", "Mapping.Audit")),
        None => (RowId::Made(id), &["name", "custom"], ("/nodes", "Sys.Audit")),
    }
}

/// The way in which a model is created and changed. Its name may be given with the `custom-` that the list shows;
/// `reported-model` is required for a creation.
fn write(cluster: &Cluster<'_>, object: &Object) -> Option<Write> {
    let list = writable(cluster)?;
    let name = object.text("cputype")?;
    let path = ApiPath::new(MODELS.into_iter().chain([name.as_str()]));
    let mut values = vec![("cputype".to_owned(), name)];
    if object.text("reported-model").is_none() {
        values.push(("reported-model".to_owned(), "kvm64".to_owned()));
    }
    Some(Write { create: Some(Create { path: list, values }), ..Write::at(path) })
}

fn list(cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
    let (id, named, (place, privilege)) = named(cluster);
    let unlisted = |reason: NotRead| Ok(Listing { incomplete: Some(reason.into()), ..Listing::default() });
    let Some(request) = path(cluster) else { return unlisted(NotRead::NoNodeOnline) };
    let Some(answer) = cluster.get(&request)? else { return unlisted(NotRead::NotOnRecord { request }) };
    let Some(rows) = cluster.rows(&request, id)? else { return unlisted(answer.not_read(&request)) };
    let nameless = answer.list().any(|row| !named.iter().all(|key| row.contains_key(*key)));
    let incomplete = if nameless {
        let complaint = format!("a row has no `{}`", named.join("` or no `"));
        Some(NotRead::Unusable { request, complaint })
    } else if !cluster.permissions.allow_all(place, privilege) {
        Some(NotRead::hidden("CPU models", place, privilege))
    } else {
        None
    };
    let entry = |name: &String| Entry {
        identity: Identity::new("cpu-model", name),
        name: Some(name.clone()),
        node: None,
        pool: None,
        tags: Vec::new(),
    };
    Ok(Listing { entries: rows.keys().map(entry).collect(), incomplete: incomplete.map(Reasons::from) })
}

fn read(cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
    let Some(request) = path(cluster) else { return Ok(Err(NotRead::NoNodeOnline)) };
    let rows = cluster.rows(&request, named(cluster).0)?;
    Ok(match rows.and_then(|rows| rows.get(entry.identity.id()).cloned()) {
        Some(keys) => Ok(Object { entry: entry.clone(), keys }),
        None => Err(NotRead::NotListed { request }),
    })
}
