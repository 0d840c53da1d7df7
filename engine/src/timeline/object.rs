//! Objects by what people call them: identity, VMID or name, also of guests that are gone.

use std::collections::BTreeSet;

use proxmox_mpc_model::{Identity, kinds};

use super::{Timeline, TimelineError};

/// The object that a text names, in the last observation or in an earlier one.
///
/// # Errors
/// A text that names none, or several.
pub(super) fn object(timeline: &Timeline, word: &str) -> Result<Identity, TimelineError> {
    if let Some(identity) = identity(word) {
        let path = proxmox_mpc_model::observation::path(&identity);
        let is_known = !timeline.repository.log(&timeline.branch, Some(&path), None)?.is_empty();
        return if is_known { Ok(identity) } else { Err(TimelineError::NoObject { word: word.to_owned() }) };
    }
    let observation = timeline.observation(timeline.tip()?)?;
    let mut identities: BTreeSet<Identity> =
        observation.named(word).into_iter().map(|object| object.identity.clone()).collect();
    if identities.is_empty() {
        identities = former(timeline, word)?;
    }
    let mut list = identities.into_iter();
    match (list.next(), list.next()) {
        (Some(identity), None) => Ok(identity),
        (None, _) => Err(TimelineError::NoObject { word: word.to_owned() }),
        (Some(first), Some(second)) => {
            let identities = [first, second].into_iter().chain(list).map(|identity| identity.to_string());
            Err(TimelineError::SeveralObjects { word: word.to_owned(), identities: identities.collect() })
        }
    }
}

/// The identity that a text is; `None` where it has not the form of one.
fn identity(word: &str) -> Option<Identity> {
    let (prefix, id) = word.split_once('/')?;
    let identity = Identity::new(prefix, id);
    kinds::of(&identity).map(|_| identity)
}

/// Guests that had this name or VMID, by the messages of the syncs: `qemu/104 old gone`.
fn former(timeline: &Timeline, word: &str) -> Result<BTreeSet<Identity>, TimelineError> {
    let mut identities = BTreeSet::new();
    for sync in timeline.syncs()? {
        for line in sync.body.lines() {
            let mut words = line.split([' ', ':']);
            let Some(identity) = words.next().and_then(identity) else { continue };
            let is_guest = matches!(identity.prefix(), "qemu" | "lxc");
            if is_guest && (identity.id() == word || words.next() == Some(word)) {
                identities.insert(identity);
            }
        }
    }
    Ok(identities)
}
