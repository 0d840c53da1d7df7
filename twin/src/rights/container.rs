//! Privileges that the options of a container need, besides the permission of the method (`check_ct_modify_config_perm`
//! of `pve-container`).

use proxmox_mpc_model::Answers;
use proxmox_mpc_model::volume::VolumeId;
use serde_json::{Map, Value};

use super::enforcement::Rights;
use super::virtual_machine::MachineRights;
use crate::call::{Call, Refusal};

/// Privileges by the options that need them, without the numbers at their ends. Other options need `VM.Config.Options`.
const PRIVILEGES: &[(&str, &[&str])] = &[
    ("VM.Config.CPU", &["cores", "cpulimit", "cpuunits"]),
    ("VM.Config.Disk", &["mp", "rootfs"]),
    ("VM.Config.Memory", &["memory", "swap"]),
    ("VM.Config.Network", &["hostname", "nameserver", "net", "searchdomain"]),
];
/// Options that are for root alone, or whose values decide on the privilege. Unused volumes need none.
const ELSEWHERE: &[&str] = &["dev", "features", "hookscript", "tags"];

/// Rights of a login to one container; every right where nothing is checked.
pub(crate) struct ContainerRights<'a, A>(MachineRights<'a, A>);

impl<'a, A: Answers> ContainerRights<'a, A> {
    /// The rights to the container that a call names; see [`MachineRights::new`].
    pub(crate) fn new(rights: Option<&'a Rights>, answers: &'a A, call: &'a Call, pool: Option<String>) -> Self {
        Self(MachineRights::new(rights, answers, call, pool))
    }

    /// Refuses an option that the login may not set or take away.
    pub(crate) fn option(&self, name: &str) -> Result<(), Refusal> {
        let family = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        if ELSEWHERE.contains(&family) {
            return Ok(());
        }
        let row = PRIVILEGES.iter().find(|(_, families)| families.contains(&family));
        self.0.all_of(&[row.map_or("VM.Config.Options", |(privilege, _)| privilege)])
    }

    /// Refuses the bridge of a network device that the login may not use; `net0` and its value.
    pub(crate) fn bridge(&self, name: &str, value: &str) -> Result<(), Refusal> {
        self.0.bridges(&Map::from_iter([(name.to_owned(), Value::from(value))]))
    }

    /// Refuses a volume that the login may not use, or make.
    pub(crate) fn volume(&self, volume: &VolumeId) -> Result<(), Refusal> {
        self.0.volume(volume)
    }

    /// Refuses to let processes in a container make containers.
    pub(crate) fn nesting(&self) -> Result<(), Refusal> {
        self.0.all_of(&["VM.Allocate"])
    }

    /// Refuses a container whose root is the node's.
    pub(crate) fn privileged(&self) -> Result<(), Refusal> {
        self.0.at("/", "Sys.Modify")
    }

    /// Refuses to make a container a resource of HA.
    pub(crate) fn managed(&self) -> Result<(), Refusal> {
        self.0.at("/", "Sys.Console")
    }
}
