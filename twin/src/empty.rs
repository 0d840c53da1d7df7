//! A cluster as it is before anybody has set up anything in it: its nodes with their hardware and network, its
//! storages, and what Proxmox brings along.

use std::collections::BTreeMap;

use proxmox_mpc_model::derived::Deriver;
use proxmox_mpc_model::etc_pve::{self, File, Tree};
use proxmox_mpc_model::kinds;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};
use serde_json::{Map, Value};

/// The answers of a cluster of which nothing is left but what no code makes.
///
/// From the answers that it is made of, it keeps those of the nodes, of the cluster's membership and of the storages.
/// Of what storages hold it keeps files that code refers to and does not make: images of discs and systems, templates
/// of containers, snippets. Everything else is answered as by a cluster without one line of configuration.
#[derive(Debug)]
pub struct Empty<A> {
    found: A,
    bare: BTreeMap<ApiPath, AnswerText>,
}

/// Source of an empty cluster's answer.
enum EmptyAnswer {
    /// The answer of the recorded cluster.
    Found,
    /// The list of the recorded cluster, without the rows that the function refuses.
    Rows(fn(&Map<String, Value>) -> bool),
    /// The answer of a cluster without configuration.
    Bare,
}

impl<A: Answers> Empty<A> {
    /// Empties the cluster of these answers.
    pub fn of(found: A) -> Result<Self, Unreadable> {
        let names = |answer: Option<Answer>| -> Vec<String> {
            let answer = answer.iter();
            answer.flat_map(Answer::list).filter_map(|row| row.get("node").and_then(text)).collect()
        };
        let nodes = names(found.get(&ApiPath::parse("nodes"))?);
        let version = found.get(&ApiPath::parse("version"))?;
        let version = version.as_ref().and_then(|version| text(version.data()?.get("version")?));
        let mut tree: Tree = nodes.into_iter().map(|node| (format!("nodes/{node}/"), File::default())).collect();
        if let Some(local) = Deriver::new(&found).local_node()? {
            tree.insert("local".to_owned(), File::of(&local));
        }
        let bare = etc_pve::load(&tree, &version.unwrap_or_default()).answers;
        Ok(Self { found, bare })
    }
}

impl<A: Answers> Answers for Empty<A> {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        match origin(path) {
            EmptyAnswer::Found => self.found.get(path),
            EmptyAnswer::Rows(stays) => Ok(self.found.get(path)?.map(|answer| only(answer, stays))),
            EmptyAnswer::Bare => Answers::get(&self.bare, path),
        }
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        match origin(path) {
            EmptyAnswer::Found => self.found.text(path),
            EmptyAnswer::Rows(_) => Ok(self.get(path)?.map(AnswerText::from)),
            EmptyAnswer::Bare => self.bare.text(path),
        }
    }
}

/// Source of the answer to this path.
fn origin(path: &ApiPath) -> EmptyAnswer {
    let segments = path.segments();
    match &segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["version" | "nodes"] | ["nodes", _] | ["storage", ..]
        // What flags a processor may have follows from the version.
        | ["cluster", "status" | "qemu"]
        | ["cluster", "qemu", "cpu-flags"]
        | ["cluster", "config", ..]
        // What macros, authorities and challenges there are is Proxmox's.
        | ["cluster", "firewall", "macros"]
        | ["cluster", "acme", "directories" | "tos" | "meta" | "challenge-schema"] => EmptyAnswer::Found,
        // Both are kept below `/etc/pve/priv`, which nobody copies.
        ["cluster", "acme", "account"] | ["cluster", "qemu", "custom-cpu-models"] => EmptyAnswer::Rows(|_| false),
        ["cluster", "acme", "plugins"] => EmptyAnswer::Rows(|row| row.get("type").is_some_and(|kind| kind == "standalone")),
        ["cluster", "resources"] => EmptyAnswer::Rows(is_there),
        ["nodes", _, "storage", _, "content"] => EmptyAnswer::Rows(|row| is_given(row.get("content"))),
        // One volume follows from the list.
        ["nodes", _, "storage", _, "content", _] | ["nodes", _, "tasks" | "replication" | "sdn", ..] => EmptyAnswer::Bare,
        ["nodes", _, "network"] => EmptyAnswer::Rows(|row| row.get("type").is_none_or(|kind| kind != "vnet")),
        ["nodes", _, below @ ..] if !kinds::is_set_up(below) => EmptyAnswer::Found,
        _ => EmptyAnswer::Bare,
    }
}

/// Reports whether a row of `cluster/resources` is of a node, a storage, or the network of the nodes themselves.
fn is_there(row: &Map<String, Value>) -> bool {
    let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
    match row.get("type").and_then(Value::as_str) {
        Some("node" | "storage") => true,
        Some("network" | "sdn") => id.ends_with("/localnetwork"),
        _ => false,
    }
}

/// Reports whether code refers to such a volume and does not make it.
fn is_given(content: Option<&Value>) -> bool {
    let content = content.and_then(Value::as_str);
    content.is_some_and(|content| matches!(content, "iso" | "vztmpl" | "import" | "snippets"))
}

/// The list without the rows that do not stay.
fn only(mut answer: Answer, stays: fn(&Map<String, Value>) -> bool) -> Answer {
    if let Some(rows) = answer.body.get_mut("data").and_then(Value::as_array_mut) {
        rows.retain(|row| row.as_object().is_some_and(stays));
    }
    answer
}
