//! Rights to the options of a container (`check_ct_modify_config_perm` of `pve-container`): each option has its
//! privilege, and some are for root alone, which even root's token may not set.

use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::volume::VolumeId;

use super::mounts::{Mount, MountKind, is_mount};
use crate::call::{Call, Refusal};
use crate::rights::ContainerRights;
use crate::state::{Row, Transaction};
use crate::writes::guests::keys::word;

/// Login that changes a container, with its rights.
pub(super) struct ContainerChange<'a> {
    call: &'a Call,
    rights: ContainerRights<'a, Transaction>,
    pub(super) unprivileged: bool,
}

impl<'a> ContainerChange<'a> {
    /// A login and what it has rights to; `unprivileged` is what the container is, or is to be.
    pub(super) fn new(call: &'a Call, rights: ContainerRights<'a, Transaction>, unprivileged: bool) -> Self {
        Self { call, rights, unprivileged }
    }

    /// Refuses values that the login may not set; `before` is the configuration that is changed.
    pub(super) fn gives(&self, given: &Row, before: Option<&Row>) -> Result<(), Refusal> {
        if self.call.login.is_root() {
            return Ok(());
        }
        for (key, value) in given {
            let value = value.as_str().unwrap_or_default();
            self.rights.option(key)?;
            if is_mount(key) {
                self.mounts(&Mount::parse(value))?;
            }
            let own = before.and_then(|before| word(before, key)).unwrap_or_default();
            for network in [own.as_str(), value] {
                self.rights.bridge(key, network)?;
            }
            self.option(key, Some(value), &own)?;
        }
        Ok(())
    }

    /// Refuses to take away keys that the login may not set.
    pub(super) fn takes(&self, keys: &[String], before: &Row) -> Result<(), Refusal> {
        if self.call.login.is_root() {
            return Ok(());
        }
        for key in keys {
            let own = word(before, key).unwrap_or_default();
            self.rights.option(key)?;
            self.rights.bridge(key, &own)?;
            self.option(key, None, &own)?;
        }
        Ok(())
    }

    fn mounts(&self, mount: &Mount) -> Result<(), Refusal> {
        let kind = mount.kind();
        if kind != MountKind::Volume {
            return refuse(&format!("mount point type {} is only allowed for root@pam", kind.word()));
        }
        VolumeId::parse(&mount.volume).map_or(Ok(()), |volume| self.rights.volume(&volume))
    }

    fn option(&self, key: &str, value: Option<&str>, before: &str) -> Result<(), Refusal> {
        match key {
            "hookscript" => refuse("changing the hookscript is only allowed for root@pam"),
            "features" if !self.unprivileged => {
                refuse("changing feature flags for privileged container is only allowed for root@pam")
            }
            "features" => {
                let changed = changed_features(before, value);
                if changed.iter().any(|name| name != "nesting") {
                    return refuse("changing feature flags (except nesting) is only allowed for root@pam");
                }
                if changed.is_empty() { Ok(()) } else { self.rights.nesting() }
            }
            _ if key.strip_prefix("dev").is_some_and(|number| number.parse::<u8>().is_ok()) => {
                refuse("configuring device passthrough is only allowed for root@pam")
            }
            _ => Ok(()),
        }
    }
}

/// The names of the features that change: those with another value where the container has some already, otherwise all
/// that are named, whatever their values.
fn changed_features(before: &str, after: Option<&str>) -> Vec<String> {
    let features = |text: &str| -> Vec<(String, String)> {
        let features = Properties::parse(text);
        features.iter().filter_map(|(key, value)| Some((key?.to_owned(), value.to_owned()))).collect()
    };
    let (old, new) = (features(before), features(after.unwrap_or_default()));
    let differs = |(key, value): &&(String, String), others: &[(String, String)]| {
        !others.iter().any(|(other, held)| other == key && held == value)
    };
    let gone = old.iter().filter(|feature| differs(feature, &new));
    let come = new.iter().filter(|feature| differs(feature, &old));
    gone.chain(come).map(|(name, _)| name.clone()).collect()
}

fn refuse(why: &str) -> Result<(), Refusal> {
    Err(Refusal::Message { status: 403, text: format!("Permission check failed ({why})") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_that_change_are_named() {
        let check = |before: &str, after: Option<&str>, expected: &[&str]| {
            assert_eq!(changed_features(before, after), expected, "{before} {after:?}");
        };
        check("", Some("nesting=1"), &["nesting"]);
        check("", Some("nesting=1,keyctl=1"), &["nesting", "keyctl"]);
        check("fuse=1,nesting=0", Some("fuse=1,nesting=1"), &["nesting", "nesting"]);
        check("fuse=1", Some("fuse=1"), &[]);
        check("fuse=1", Some("nesting=1"), &["fuse", "nesting"]);
        check("nesting=1", None, &["nesting"]);
    }
}
