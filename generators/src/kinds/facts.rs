//! What is no configuration and worth knowing: snapshots of guests, and what lies on the storages.

use super::{Half, Namespace, Place};
use crate::draft::Remark;

/// The generators' half of snapshots.
pub(super) static SNAPSHOT: Half = Half {
    kind: "snapshot",
    file: "",
    word: "snapshot",
    data: false,
    namespace: Namespace::Own("snapshot"),
    place: |_, _| Ok(Place::Fact),
    name: |entry| entry.name.clone(),
    rows: &[],
    role: None,
};

/// The generators' half of volumes. The provider can import an image, a template or a snippet, and neither it nor the API
/// tells what is in one: as code it could not be made anew (docs/provider.md, H13).
pub(super) static VOLUME: Half = Half {
    kind: "volume",
    file: "",
    word: "volume",
    data: false,
    namespace: Namespace::Own("volume"),
    place: |object, _| {
        if object.text("content").as_deref() != Some("images") {
            return Ok(Place::Fact);
        }
        let volid = object.text("volid").unwrap_or_default();
        Ok(Place::Noted(Remark {
            text: "a disk whose guest is not in the cluster".to_owned(),
            remedy: Some(format!("once you are sure that nobody needs it: pvesm free {volid}")),
        }))
    },
    name: |entry| entry.name.clone(),
    rows: &[],
    role: None,
};
