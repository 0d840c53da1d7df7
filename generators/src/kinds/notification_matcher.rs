//! Notification matchers: the provider has no resource for them, and Ansible keeps them.

use super::{Half, Namespace, notification_endpoint};
use crate::ansible::Role;

/// The generators' half of notification matchers.
pub(super) static HALF: Half = Half {
    kind: "notification_matcher",
    file: "",
    word: "matcher",
    data: false,
    namespace: Namespace::Own("notification_matcher"),
    place: |object, _| Ok(notification_endpoint::place(object)),
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(|_| Role::cluster("notifications")),
};
