//! Network devices of virtual machines, and MAC addresses of new devices.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::property::Properties;

use super::drives::drive_text;
use super::keys::word;
use crate::call::Refusal;
use crate::state::Transaction;

/// A network device as it is kept: with an address, its model first.
pub(super) fn network(transaction: &Transaction, value: &str, own: &str) -> Result<String, Refusal> {
    let properties = Properties::parse(value);
    let model_of = |key: &str| MODELS.contains(&key);
    let mut rest: Vec<(String, String)> = Vec::new();
    let (mut model, mut address) = (None, None);
    for (key, value) in properties.iter() {
        match key {
            None | Some("model") => model = Some(value.to_owned()),
            Some("macaddr") => address = Some(value.to_owned()),
            Some(key) if model_of(key) => {
                model = Some(key.to_owned());
                address = Some(value.to_owned());
            }
            Some(key) => rest.push((key.to_owned(), value.to_owned())),
        }
    }
    let address = match address {
        Some(address) => address,
        None => Properties::parse(own)
            .get(model.as_deref().unwrap_or_default())
            .map_or_else(|| mac(transaction), |known| Ok(known.to_owned()))?,
    };
    Ok(drive_text(&format!("{}={address}", model.unwrap_or_default()), &rest))
}

/// The models of network devices that may stand as keys before an address.
const MODELS: [&str; 16] = [
    "e1000",
    "e1000-82540em",
    "e1000-82544gc",
    "e1000-82545em",
    "e1000e",
    "i82551",
    "i82557b",
    "i82559er",
    "ne2k_isa",
    "ne2k_pci",
    "pcnet",
    "rtl8139",
    "usb-net",
    "virtio",
    "virtio-net-pci",
    "vmxnet3",
];

/// A new MAC address, with the datacenter's prefix.
pub(in crate::writes) fn mac(transaction: &Transaction) -> Result<String, Refusal> {
    let options = transaction.object(&ApiPath::parse("cluster/options"))?;
    let mut address = word(&options, "mac_prefix").unwrap_or_else(|| "BC:24:11".to_owned());
    while address.split(':').count() < 6 {
        address.push(':');
        address.push_str(&transaction.made_up_digits(1).to_uppercase());
    }
    Ok(address)
}
