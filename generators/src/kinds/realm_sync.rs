//! Realm-sync jobs: the provider has no resource for them, and Ansible keeps them.

use super::{Half, Namespace, Place};
use crate::ansible::Role;

/// The generators' half of realm-sync jobs. The provider's `proxmox_realm_sync` is not one: it syncs once, when it is applied.
pub(super) static HALF: Half = Half {
    kind: "realm_sync",
    file: "",
    word: "sync",
    data: false,
    namespace: Namespace::Own("realm_sync"),
    place: |_, _| Ok(Place::Ansible("the provider has no resource for realm-sync jobs (provider rule K5)".into())),
    name: |entry| entry.name.clone(),
    rows: &[],
    // Behind "realms": a job wants its realm.
    role: Some(|_| Role::cluster("user_sync")),
};
