//! Notification matchers: the provider has no resource for them, and Ansible keeps them.

use super::{Half, Namespace, Place};
use crate::ansible::Role;

/// The generators' half of notification matchers.
pub(super) static HALF: Half = Half {
    kind: "notification_matcher",
    file: "",
    word: "matcher",
    data: false,
    namespace: Namespace::Own("notification_matcher"),
    place: |_, _| Ok(Place::Ansible("the provider has no resource for notifications (provider rule K5)".into())),
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(|_| Role::cluster("notifications")),
};
