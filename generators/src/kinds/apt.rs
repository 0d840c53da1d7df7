//! Package repositories: the switch of each entry, and Proxmox's own repositories.

use proxmox_mpc_model::Object;

use super::{Destination, Namespace, Translation};
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of repositories in the files of APT.
pub(super) static REPOSITORY: Translation = Translation {
    kind: "apt_repository",
    file: "apt_repositories.tf",
    word: "repository",
    data: false,
    namespace: Namespace::Own("apt_repository"),
    destination: |object, _| {
        let path = object.text("path").unwrap_or_default();
        if path.contains(',') || !path.starts_with('/') {
            return Err(Obstacle::new("the provider's import id cannot name its file (provider rule H9)"));
        }
        Ok(Destination::Resource(
            "proxmox_apt_repository",
            import_id(object, &[&path, &object.text("index").unwrap_or_default()]),
        ))
    },
    name: |entry| entry.name.as_ref().map(|name| name.replace("/etc/apt/", "").replace("sources.list.d/", "")),
    rows: &[
        Row::custom(&["path", "index"], |draft| {
            node(draft);
            let path = draft.text("path").unwrap_or_default();
            draft.set("file_path", path);
            let index = draft.integer("index").unwrap_or_default();
            draft.set("index", index);
        }),
        Row::custom(&["Enabled"], |draft| {
            let enabled = draft.flag("Enabled");
            draft.set("enabled", Value::Boolean(enabled));
        }),
        Row::not_expressible(
            &["Comment", "Components", "Options", "Suites", "Types", "URIs"],
            "neither the provider nor Proxmox's API changes more of a repository than its switch (provider rule H9)",
        ),
        Row::volatile(&["FileType"]),
    ],
    role: None,
};

/// Translation of Proxmox's own repositories. The code of one adds it where it is missing; its switch is that of its
/// entry in the file.
pub(super) static STANDARD: Translation = Translation {
    kind: "apt_standard_repository",
    file: "apt_standard_repositories.tf",
    word: "repository",
    data: false,
    namespace: Namespace::Own("apt_standard_repository"),
    destination: |object, _| {
        let handle = object.text("handle").unwrap_or_default();
        Ok(Destination::Resource("proxmox_apt_standard_repository", import_id(object, &[&handle])))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["handle"], |draft| {
            node(draft);
            let handle = draft.text("handle").unwrap_or_default();
            draft.set("handle", handle);
        }),
        Row::volatile(&["description", "name", "status"]),
    ],
    role: None,
};

/// Import id: `pve1,/etc/apt/sources.list,0`, `pve1,no-subscription`.
fn import_id(object: &Object, parts: &[&str]) -> String {
    let node = object.entry.node.as_deref().unwrap_or_default();
    [&[node], parts].concat().join(",")
}

fn node(draft: &mut Draft<'_>) {
    let node = draft.object.entry.node.clone().unwrap_or_default();
    draft.set("node", node);
}
