//! Pools of a Ceph cluster that Proxmox manages, Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Reading, Source};
use super::write::{Create, Write, Writing};
use crate::rows::RowId;
use crate::{Answer, ApiPath, Cluster, Entry, Identity, Listing, NotRead, Object, Unreadable};

/// A pool. Ceph is the same on all nodes, so that one node is asked. The settings of a pool are read from its `status`,
/// and written one level above.
pub(super) static KIND: Kind = Kind {
    id: "ceph_pool",
    prefix: "ceph-pool",
    title: "Ceph pool",
    keys: KEYS,
    source: Source::Own { requests, list, read },
    writing: Writing::Own(|cluster, object| {
        let name = object.entry.identity.id();
        let list = pools(cluster)?;
        // An erasure-coded pool needs its code when it is created, and Ceph creates its own pools.
        let made = object.text("type").as_deref() == Some("replicated") && !name.starts_with('.');
        let create = made.then(|| Create { path: list.clone(), values: vec![("name".to_owned(), name.to_owned())] });
        Some(Write { read: Some(below(&list, &[name, "status"])), create, ..Write::at(below(&list, &[name])) })
    }),
};

/// Parameters of the API, and flags of Ceph that it only shows. `type` is from the list.
const KEYS: &[Key] = &[
    Key::new("application", Form::Text).default("rbd"),
    Key::new("application_list", Form::Structure).volatile(),
    Key::new("autoscale_status", Form::Structure).volatile(),
    Key::new("crush_rule", Form::Text),
    Key::new("fast_read", Form::Boolean).default("0").shown(),
    Key::new("hashpspool", Form::Boolean).default("1").shown(),
    Key::new("id", Form::Integer).volatile(),
    Key::new("min_size", Form::Integer).default("2"),
    Key::new("name", Form::Text).fixed(),
    Key::new("nodeep-scrub", Form::Boolean).default("0").shown(),
    Key::new("nodelete", Form::Boolean).default("0").shown(),
    Key::new("nopgchange", Form::Boolean).default("0").shown(),
    Key::new("noscrub", Form::Boolean).default("0").shown(),
    Key::new("nosizechange", Form::Boolean).default("0").shown(),
    Key::new("pg_autoscale_mode", Form::Text).default("warn"),
    Key::new("pg_num", Form::Integer).default("128"),
    Key::new("pg_num_min", Form::Integer),
    Key::new("pgp_num", Form::Integer).volatile(),
    Key::new("size", Form::Integer).default("3"),
    Key::new("statistics", Form::Structure).volatile(),
    Key::new("target_size", Form::Text),
    Key::new("target_size_ratio", Form::Number),
    Key::new("type", Form::Text).fixed(),
    Key::new("use_gmt_hitset", Form::Boolean).default("1").shown(),
    Key::new("write_fadvise_dontneed", Form::Boolean).default("0").shown(),
];

/// Parts of the refusals of a node that has no Ceph: it is not installed, or not set up.
const NONE: [&str; 4] = ["not installed", "not initialized", "not fully configured", "not implemented"];

/// The request for the list, to the first node that is online.
fn pools(cluster: &Cluster<'_>) -> Option<ApiPath> {
    let node = cluster.nodes.iter().find(|(_, online)| **online)?.0;
    Some(ApiPath::new(["nodes", node, "ceph", "pool"]))
}

fn below(path: &ApiPath, more: &[&str]) -> ApiPath {
    ApiPath::new(path.segments().into_iter().chain(more.iter().map(|&segment| segment.to_owned())))
}

const NAME: RowId = RowId::Key("pool_name");

fn requests(cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
    let Some(list) = pools(cluster) else { return Ok(Vec::new()) };
    let rows = cluster.rows(&list, NAME)?;
    let names = rows.iter().flat_map(|rows| rows.keys());
    Ok(names.map(|name| below(&list, &[name, "status"])).chain([list.clone()]).collect())
}

fn list(cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
    let incomplete = |reason: NotRead| Ok(Listing { incomplete: Some(reason.into()), ..Listing::default() });
    let Some(request) = pools(cluster) else { return incomplete(NotRead::NoNodeOnline) };
    let Some(answer) = cluster.get(&request)? else { return incomplete(NotRead::NotOnRecord { request }) };
    if answer.data().is_none() && !NONE.iter().any(|words| answer.reason.contains(words)) {
        return incomplete(answer.not_read(&request));
    }
    let entry = |name: String| Entry {
        identity: Identity::new("ceph-pool", &name),
        name: Some(name),
        node: None,
        pool: None,
        tags: Vec::new(),
    };
    let names: Option<Vec<String>> = answer.list().map(|row| NAME.of(row)).collect();
    let Some(names) = names else {
        let complaint = "the answer is not what Proxmox gives: a row has no `pool_name`".to_owned();
        return incomplete(NotRead::Unusable { request, complaint });
    };
    Ok(Listing { entries: names.into_iter().map(entry).collect(), incomplete: None })
}

/// The number of placement groups is left out where Ceph itself chooses it: it is no configuration then.
fn read(cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
    let name = entry.identity.id();
    let Some(list) = pools(cluster) else { return Ok(Err(NotRead::NoNodeOnline)) };
    let request = below(&list, &[name, "status"]);
    let answer = cluster.get(&request)?;
    let Some(mut keys) = answer.as_ref().and_then(Answer::data).and_then(|data| data.as_object()).cloned() else {
        return Ok(Err(match answer {
            Some(answer) => answer.not_read(&request),
            None => NotRead::NotOnRecord { request },
        }));
    };
    if keys.get("pg_autoscale_mode").and_then(|mode| mode.as_str()) == Some("on") {
        keys.remove("pg_num");
    }
    let rows = cluster.rows(&list, NAME)?;
    if let Some(of_type) = rows.as_ref().and_then(|rows| rows.get(name)?.get("type")) {
        keys.insert("type".to_owned(), of_type.clone());
    }
    Ok(Ok(Object { entry: entry.clone(), keys }))
}
