//! Notification matchers: the provider has no resource for them, and Ansible keeps them.

use super::{Namespace, Translation, notification_endpoint};
use crate::ansible::Role;

/// Translation of notification matchers.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "notification_matcher",
    file: "",
    word: "matcher",
    data: false,
    namespace: Namespace::Own("notification_matcher"),
    destination: |object, _| Ok(notification_endpoint::destination(object)),
    name: |entry| entry.name.clone(),
    rows: &[],
    role: Some(|_| Role::cluster("notifications")),
};
