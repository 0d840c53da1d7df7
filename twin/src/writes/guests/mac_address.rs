//! MAC addresses of new network devices.

use proxmox_mpc_model::ApiPath;

use super::keys::word;
use crate::call::Refusal;
use crate::state::Transaction;

/// A new address, with the prefix that the datacenter says.
pub(in crate::writes) fn mac(transaction: &Transaction) -> Result<String, Refusal> {
    let options = transaction.object(&ApiPath::parse("cluster/options"))?;
    let mut address = word(&options, "mac_prefix").unwrap_or_else(|| "BC:24:11".to_owned());
    while address.split(':').count() < 6 {
        address.push(':');
        address.push_str(&transaction.made_up_digits(1).to_uppercase());
    }
    Ok(address)
}
