//! The law of every notation: what parses prints back unchanged, and what takes any text takes any text.

use std::fmt::Display;

use proptest::prelude::*;
use proxmox_mpc_model::VmId;
use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::mac::Mac;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::ranges::Ranges;
use proxmox_mpc_model::size::Bytes;
use proxmox_mpc_model::upid::Upid;
use proxmox_mpc_model::volume::{Volume, VolumeId};

/// Text of any kind, mixed with text that is close to each notation.
fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        "(?s).{0,40}",
        "[a=, ]{0,12}",
        "[0-9]{0,12}(\\.[0-9]{0,25})?[KMGTkg]?",
        "[a-z]{0,3}:?[a-z0-9/.-]{0,12}",
        "[a-z]{2}:(base-)?[0-9]{1,4}(/|-disk)[a-z0-9./-]{0,12}(,[a-z]{1,4}=[0-9]{1,3}[GM]?){0,3}",
        "[0-9]{1,4}(-[0-9]{1,4})?(;[0-9]{1,4}(-[0-9]{1,4})?){0,4}",
        "[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){4,6}",
        "UPID:[a-z0-9]{1,4}(:[0-9A-F]{8}){2,4}:[a-z]{0,6}:[0-9]{0,3}:[a-z]{1,4}@pam(![a-z]{1,3})?:?",
        "[0-9]{1,11}",
    ]
}

/// The text of a value that was parsed; `None` where the text is no such value.
fn printed(value: Option<impl Display>) -> Option<String> {
    value.map(|value| value.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_parses_prints_back(text in anything()) {
        let total = [
            Properties::parse(&text).to_string(),
            Drive::parse(&text).to_string(),
            Volume::parse(&text).to_string(),
        ];
        for printed in total {
            prop_assert_eq!(&printed, &text);
        }
        let partial = [
            printed(Bytes::parse(&text)),
            printed(Mac::parse(&text)),
            printed(Ranges::parse(&text)),
            printed(Upid::parse(&text)),
            printed(VmId::parse(&text)),
            printed(VolumeId::parse(&text)),
        ];
        for printed in partial.into_iter().flatten() {
            prop_assert_eq!(&printed, &text);
        }
    }

    #[test]
    fn a_volume_is_its_storage_and_its_name(text in anything()) {
        let drive = Drive::parse(&text);
        let (size, format, cloudinit) = (drive.size(), drive.format(), drive.is_cloudinit());
        prop_assert!(size.is_none_or(|size| size.gib_floor() == size.count() >> 30));
        prop_assert!(drive.stored().is_some() || !cloudinit);
        prop_assert!(format.is_none_or(|format| text.contains(format)));
        if let Some(volume) = drive.stored() {
            prop_assert_eq!(format!("{}:{}", volume.storage(), volume.name()), volume.as_str());
            prop_assert!(volume.owner().is_none_or(|owner| volume.name().contains(&owner.to_string())));
        }
    }
}
