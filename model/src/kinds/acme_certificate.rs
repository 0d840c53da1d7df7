//! Certificates that a node orders from an authority (the ACME keys of its `config`), Proxmox's half.

use serde_json::{Map, Value};

use super::key::{Form, Key};
use super::kind::Kind;
use super::matches;
use super::source::{Listed, Reading, Scope, Shape, Source};
use super::write::{Write, Writing};
use crate::{ApiPath, Cluster, Entry, Listing, Object, Unreadable};

/// The order of a node: the account, the domains and how each is proved. The other keys of the node's configuration
/// belong to another kind.
pub(super) static KIND: Kind = Kind {
    id: "acme_certificate",
    prefix: "acme-certificate",
    title: "ACME certificate of node",
    keys: KEYS,
    source: Source::Own { requests, list, read },
    writing: Writing::Own(|_, object| Some(write(object))),
};

const KEYS: &[Key] =
    &[Key::new("acme", Form::Properties(None)), Key::new("acmedomain[n]", Form::Properties(Some("domain")))];

static CONFIG: Listed = Listed::cluster("config", Shape::One).at(&[Scope::Node]).adjust(adjust);

/// The request for the certificates as well: Terraform's provider sends it, whatever is in the code.
fn requests(cluster: &Cluster<'_>) -> Result<Vec<ApiPath>, Unreadable> {
    let mut wanted = CONFIG.requests(cluster)?;
    for entry in list(cluster)?.entries {
        wanted.push(ApiPath::new(["nodes", entry.identity.id(), "certificates", "info"]));
    }
    Ok(wanted)
}

fn list(cluster: &Cluster<'_>) -> Result<Listing, Unreadable> {
    CONFIG.list(KIND.prefix, cluster)
}

fn read(cluster: &Cluster<'_>, entry: &Entry) -> Result<Reading, Unreadable> {
    CONFIG.read(cluster, entry)
}

fn adjust(keys: &mut Map<String, Value>) -> bool {
    keys.retain(|key, _| KEYS.iter().any(|ours| matches(ours.name, key)));
    !keys.is_empty()
}

fn write(object: &Object) -> Write {
    Write::at(ApiPath::new(["nodes", object.entry.identity.id(), "config"]))
}
