//! New volumes of containers.

use super::template;
use crate::call::Refusal;
use crate::state::Transaction;
use crate::state::tasks::TaskLog;
use crate::writes::guests::guest::Guest;
use crate::writes::guests::volumes::{NewVolume, Storage};

/// Makes a volume for a container, with a file system on it; its identifier.
pub(super) fn allocate(
    transaction: &mut Transaction,
    guest: &Guest,
    (storage, bytes): (&str, u64),
    log: &mut TaskLog,
) -> Result<String, Refusal> {
    let place = Storage::enabled(transaction, storage, &guest.node)?;
    if !place.holds("rootdir") {
        let why = format!("content type 'rootdir' is not available or configured on storage '{storage}'");
        return Err(Refusal::failed(why));
    }
    let folder = place.kind() == "zfspool" || place.has_files() && bytes == 0;
    let format = if folder { "subvol" } else { "raw" };
    let (node, vmid) = (guest.node.as_str(), guest.vmid.as_str());
    let volume =
        place.allocate(transaction, &NewVolume { node, vmid, name: None, format, content: "rootdir", bytes }, log)?;
    if !folder {
        log.extend(template::formatted(bytes, &transaction.made_up_uuid()));
    }
    Ok(volume)
}
