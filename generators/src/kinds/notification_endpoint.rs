//! Notification endpoints: the provider has no resource for them, and Ansible keeps them.

use std::borrow::Cow;

use proxmox_mpc_model::Object;

use super::{Destination, Namespace, Translation};
use crate::ansible::Role;

/// Translation of Gotify servers.
pub(super) static GOTIFY: Translation = translation("notification_gotify");

/// Translation of mail servers.
pub(super) static SMTP: Translation = translation("notification_smtp");

/// Translation of the nodes' own `sendmail`.
pub(super) static SENDMAIL: Translation = translation("notification_sendmail");

/// Translation of webhooks.
pub(super) static WEBHOOK: Translation = translation("notification_webhook");

const fn translation(kind: &'static str) -> Translation {
    Translation {
        kind,
        file: "",
        word: "endpoint",
        data: false,
        namespace: Namespace::Own(kind),
        destination: |object, _| Ok(destination(object)),
        name: |entry| entry.name.clone(),
        rows: &[],
        role: Some(|_| Role::cluster("notifications")),
    }
}

/// Destination of a notification object. Unchanged ones that come with Proxmox need no code.
pub(super) fn destination(object: &Object) -> Destination {
    if object.text("origin").as_deref() == Some("builtin") {
        return Destination::BuiltIn;
    }
    Destination::Ansible(Cow::Borrowed("the provider has no resource for notifications (provider rule K5)"))
}
