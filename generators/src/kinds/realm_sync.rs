//! Realm-sync jobs: the provider has no resource for them, and Ansible keeps them.

use super::{Destination, Namespace, Translation};
use crate::ansible::Role;

/// Translation of realm-sync jobs. The provider's `proxmox_realm_sync` is not one: it syncs once, when it is applied.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "realm_sync",
    file: "",
    word: "sync",
    data: false,
    namespace: Namespace::Own("realm_sync"),
    destination: |_, _| {
        Ok(Destination::Ansible("the provider has no resource for realm-sync jobs (provider rule K5)".into()))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    // The role sorts after "realms": a job needs its realm.
    role: Some(|_| Role::cluster("user_sync")),
};
