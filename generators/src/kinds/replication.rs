//! Replication jobs as `proxmox_replication`.

use super::{Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::draft::{Draft, Obstacle, RowResult};
use crate::hcl;
use crate::row::Row;

/// Translation of replication jobs.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "replication",
    file: "replication.tf",
    word: "replication",
    data: false,
    namespace: Namespace::Own("replication"),
    destination: |object, _| {
        if object.keys.contains_key("remove_job") {
            return Ok(Destination::Fact);
        }
        match object.text("type").as_deref() {
            Some("local") => Ok(Destination::Resource("proxmox_replication", object.entry.identity.id().to_owned())),
            other => Err(Obstacle::new(format!(
                "the provider knows no replication of type `{}` (provider rule J9)",
                other.unwrap_or_default()
            ))),
        }
    },
    name: |entry| entry.name.as_ref().map(|name| format!("guest {name}")),
    rows: &[
        Row::custom(&["id"], |draft| {
            let id = draft.text("id").unwrap_or_default();
            let (guest, number) = id.split_once('-').unwrap_or((&id, ""));
            let id = guard::guest_within(draft, "", guest, &format!("-{number}"));
            draft.set("id", id);
        }),
        Row::custom(&["type", "target"], |draft| {
            guard::verbatim(draft, "type", "type");
            guard::verbatim(draft, "target", "target");
        }),
        Row::flag(&["disable"], "disable", false),
        Row::custom(&["comment", "schedule"], |draft| {
            guard::verbatim(draft, "comment", "comment");
            // Written for an absent key, the default would show a change.
            guard::verbatim(draft, "schedule", "schedule");
        }),
        Row::checked(&["rate"], rate),
        Row::volatile(&["digest", "guest", "jobnum", "remove_job", "source"]),
    ],
    role: Some(|_| Role::cluster("replication")),
};

/// Writes the rate in MB/s. The provider reads JSON numbers only.
fn rate(draft: &mut Draft<'_>) -> RowResult {
    let Some(value) = draft.take("rate") else { return Ok(()) };
    match hcl::number(&value.to_string()).filter(|_| value.is_number()) {
        Some(number) => draft.set("rate", number),
        None => {
            return Err(Obstacle::new("the provider cannot read `rate`: it is not a number (provider rule J9)").into());
        }
    }
    Ok(())
}
