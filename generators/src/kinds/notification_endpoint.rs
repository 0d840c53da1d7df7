//! Notification endpoints: the provider has no resource for them, and Ansible keeps them.

use std::borrow::Cow;

use proxmox_mpc_model::Object;

use super::{Half, Namespace, Place};
use crate::ansible::Role;

/// The generators' half of Gotify servers.
pub(super) static GOTIFY: Half = half("notification_gotify");

/// The generators' half of mail servers.
pub(super) static SMTP: Half = half("notification_smtp");

/// The generators' half of the nodes' own `sendmail`.
pub(super) static SENDMAIL: Half = half("notification_sendmail");

/// The generators' half of web servers that are called.
pub(super) static WEBHOOK: Half = half("notification_webhook");

const fn half(kind: &'static str) -> Half {
    Half {
        kind,
        file: "",
        word: "endpoint",
        data: false,
        namespace: Namespace::Own(kind),
        place: |object, _| Ok(place(object)),
        name: |entry| entry.name.clone(),
        rows: &[],
        role: Some(|_| Role::cluster("notifications")),
    }
}

/// What came with Proxmox and nobody has changed needs no code.
pub(super) fn place(object: &Object) -> Place {
    if object.text("origin").as_deref() == Some("builtin") {
        return Place::BuiltIn;
    }
    Place::Ansible(Cow::Borrowed("the provider has no resource for notifications (provider rule K5)"))
}
