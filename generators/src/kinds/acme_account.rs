//! ACME accounts as `proxmox_acme_account`.

use super::{Destination, Namespace, Translation, guard};
use crate::draft::{Draft, Obstacle};
use crate::row::Row;

/// Translation of ACME accounts.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "acme_account",
    file: "acme_accounts.tf",
    word: "account",
    data: false,
    namespace: Namespace::Own("acme_account"),
    destination: |object, _| {
        let directory = object.text("directory").unwrap_or_default();
        if !directory.starts_with("http://") && !directory.starts_with("https://") {
            return Err(Obstacle::new("the provider refuses the address of its authority (provider rule J15)"));
        }
        Ok(Destination::Resource("proxmox_acme_account", object.entry.identity.id().to_owned()))
    },
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["name"], "name"),
        Row::custom(&["contact"], contact),
        Row::custom(&["directory"], |draft| guard::verbatim(draft, "directory", "directory")),
        Row::text(&["tos"], "tos"),
        Row::volatile(&["account", "location"]),
        Row::not_expressible(
            &["eab-hmac-key", "eab-kid"],
            "Proxmox uses it once and does not keep it (provider rule J15)",
        ),
    ],
    role: None,
};

/// Writes the first address: the provider reads no other. An account may have none.
fn contact(draft: &mut Draft<'_>) {
    let text = draft.text("contact").unwrap_or_default();
    let (first, others) = text.split_once(',').map_or((&*text, None), |(first, others)| (first, Some(others)));
    draft.set("contact", first.to_owned());
    if others.is_some() {
        draft.not_expressible("contact.others", "the provider reads the first address only (provider rule J15)");
    }
}
