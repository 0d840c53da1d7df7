//! The package repositories of a node: standard ones are added, all are switched on and off (`proxmox-apt`).

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answers, ApiPath};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::method::Write;
use super::versions::same_digest;
use crate::call::{Call, Refusal};
use crate::hexadecimal::hexadecimal;
use crate::state::{Row, Transaction};

/// The methods of this file.
pub(super) static WRITES: &[Write] = &[
    Write { verb: Verb::Put, path: "/nodes/{node}/apt/repositories", run: add },
    Write { verb: Verb::Post, path: "/nodes/{node}/apt/repositories", run: switch },
];

/// Name of the Debian release that Proxmox VE 9 is built on.
const SUITE: &str = "trixie";

const FOLDER: &str = "/etc/apt/sources.list.d";

/// A repository that Proxmox knows by a handle.
struct StandardRepository {
    uri: String,
    component: String,
    path: String,
}

impl StandardRepository {
    /// `no-subscription` is one of Proxmox VE, `ceph-squid-no-subscription` one of Ceph.
    fn of(handle: &str) -> Option<Self> {
        let (product, level) = match handle.strip_prefix("ceph-").and_then(|rest| rest.split_once('-')) {
            Some((release, level)) => (format!("ceph-{release}"), level),
            None => ("pve".to_owned(), handle),
        };
        let host = match level {
            "enterprise" => "https://enterprise.proxmox.com",
            "no-subscription" | "test" => "http://download.proxmox.com",
            _ => return None,
        };
        let is_ceph = product != "pve";
        let file = match level {
            _ if is_ceph => "ceph",
            "enterprise" => "pve-enterprise",
            _ => "proxmox",
        };
        Some(Self {
            uri: format!("{host}/debian/{product}"),
            component: if is_ceph { level.to_owned() } else { format!("pve-{level}") },
            path: format!("{FOLDER}/{file}.sources"),
        })
    }

    fn is(&self, repository: &Value) -> bool {
        let has = |key: &str, word: &str| {
            let words = repository[key].as_array().into_iter().flatten().filter_map(Value::as_str);
            words.map(|word| word.trim_end_matches('/')).any(|own| own == word)
        };
        has("Types", "deb") && has("URIs", &self.uri) && has("Suites", SUITE) && has("Components", &self.component)
    }

    fn repository(&self) -> Value {
        json!({
            "Types": ["deb"], "URIs": [self.uri], "Suites": [SUITE], "Components": [self.component], "FileType": "sources",
            "Enabled": 1,
            "Options": [{"Key": "Signed-By", "Values": ["/usr/share/keyrings/proxmox-archive-keyring.gpg"]}],
        })
    }
}

/// Recorded repositories of a node, in a version that client and twin agree on.
fn known(transaction: &Transaction, call: &Call) -> Result<Row, Refusal> {
    if transaction.get(&call.path)?.is_none() {
        return Err(Refusal::beyond_the_twin("change package repositories of which nothing is on record"));
    }
    let version = transaction.object(&ApiPath::parse("version"))?;
    let release = version.get("release").and_then(text).unwrap_or_default();
    if !release.starts_with("9.") {
        return Err(Refusal::beyond_the_twin("change package repositories of another release than Proxmox VE 9"));
    }
    let known = transaction.object(&call.path)?;
    same_digest(call, &known, "")?;
    Ok(known)
}

/// The repositories of a file; none where there is no such file.
fn file<'r>(known: &'r mut Row, path: &str) -> Option<&'r mut Vec<Value>> {
    let files = known.get_mut("files")?.as_array_mut()?;
    let file = files.iter_mut().find(|file| file["path"] == path)?;
    file.get_mut("repositories")?.as_array_mut()
}

/// `PUT` of a standard repository: one that is there is switched on, another is added to the file that Proxmox keeps it
/// in.
fn add(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut known = known(transaction, call)?;
    let handle = call.required("handle")?;
    let standard = StandardRepository::of(&handle);
    let standard =
        standard.ok_or_else(|| Refusal::beyond_the_twin(&format!("add the package repository `{handle}`")))?;
    let files = known.get_mut("files").and_then(Value::as_array_mut).into_iter().flatten();
    let mut repositories = files.filter_map(|file| file.get_mut("repositories")?.as_array_mut()).flatten();
    if let Some(repository) = repositories.find(|repository| standard.is(repository)) {
        set_enabled(repository, true);
    } else {
        append(&mut known, &standard);
    }
    store(transaction, call, known);
    Ok(Value::Null)
}

fn append(known: &mut Row, standard: &StandardRepository) {
    if file(known, &standard.path).is_none()
        && let Some(files) = known.get_mut("files").and_then(Value::as_array_mut)
    {
        files.push(json!({ "path": standard.path, "file-type": "sources", "repositories": [] }));
    }
    let Some(repositories) = file(known, &standard.path) else { return };
    let index = repositories.len();
    repositories.push(standard.repository());
    if let Some(infos) = known.get_mut("infos").and_then(Value::as_array_mut) {
        infos.push(json!({ "path": standard.path, "index": index, "kind": "origin", "message": "Proxmox" }));
    }
}

fn switch(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let mut known = known(transaction, call)?;
    let (path, index) = (call.required("path")?, call.required("index")?);
    let repositories = file(&mut known, &path).ok_or_else(|| Refusal::failed(format!("invalid path - {path}")))?;
    let place: Option<usize> = index.parse().ok();
    let repository = place.and_then(|place| repositories.get_mut(place));
    let repository = repository.ok_or_else(|| Refusal::failed(format!("invalid index - {index}")))?;
    if call.text("enabled").is_some() {
        set_enabled(repository, call.flag("enabled"));
    }
    store(transaction, call, known);
    Ok(Value::Null)
}

/// Switches a repository on or off; in a file of the newer form, an option says so.
fn set_enabled(repository: &mut Value, enabled: bool) {
    repository["Enabled"] = u8::from(enabled).into();
    if repository["FileType"] != "sources" {
        return;
    }
    let option = json!({ "Key": "Enabled", "Values": [enabled.to_string()] });
    let Some(options) = repository.get_mut("Options").and_then(Value::as_array_mut) else {
        repository["Options"] = json!([option]);
        return;
    };
    match options.iter_mut().find(|known| known["Key"] == "Enabled") {
        Some(known) => *known = option,
        None => options.push(option),
    }
}

/// Answers with the files and what follows from them: which standard repositories are on, and the digests, which are
/// not those that Proxmox would make of its files.
fn store(transaction: &mut Transaction, call: &Call, mut known: Row) {
    let files = known.get("files").cloned().unwrap_or_default();
    let repositories: Vec<Value> = files
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|file| file["repositories"].as_array().cloned())
        .flatten()
        .collect();
    for row in known.get_mut("standard-repos").and_then(Value::as_array_mut).into_iter().flatten() {
        let standard = row["handle"].as_str().and_then(StandardRepository::of);
        let own: Vec<&Value> = repositories
            .iter()
            .filter(|repository| standard.as_ref().is_some_and(|standard| standard.is(repository)))
            .collect();
        if !own.is_empty() {
            row["status"] = u8::from(own.iter().any(|repository| repository["Enabled"] == 1)).into();
        }
    }
    for file in known.get_mut("files").and_then(Value::as_array_mut).into_iter().flatten() {
        let digest = digest(&SHA256, file["repositories"].to_string().as_bytes());
        file["digest"] = digest.as_ref().into();
    }
    let digest = digest(&SHA256, json!(known.get("files")).to_string().as_bytes());
    known.insert("digest".to_owned(), hexadecimal(digest.as_ref()).into());
    transaction.set(&call.path, known);
}
