//! Causes of refusals that readers of the twin's log tell apart, and the words by which Proxmox states each.
//!
//! The words stand here once: the methods build their messages with them, and [`Cause::is_stated_in`] finds them.

/// The object is there already: `CT 100 already exists on node 'pve'`.
pub(crate) const EXISTS: &str = "already exists";
/// The object still holds others: `pool 'ci' is not empty (contains VM 100)`.
pub(crate) const NOT_EMPTY: &str = "not empty";
/// The guest has `protection` set: `can't remove VM 100 - protection mode enabled`.
pub(crate) const PROTECTED: &str = "protection mode";
/// The option is for `root@pam` with a password: `only root can set 'args' config`.
pub(crate) const ROOT_ONLY: &str = "only root can";
/// The end of the same where Proxmox names the option of a guest.
pub(crate) const CONFIG: &str = "config";
/// The boot order names a device that is not there: `invalid bootorder: device 'net1' does not exist'`.
pub(crate) const BOOT_ORDER: &str = "invalid bootorder";

/// The cause of a refusal, as far as readers of the log act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is such an object already.
    Exists,
    /// The object still holds others.
    NotEmpty,
    /// The guest has `protection` set.
    Protected,
    /// Only `root@pam` with a password may do this.
    RootOnly,
    /// Only `root@pam` with a password may set this device, which Proxmox finds while it writes.
    RootOnlyDevice,
    /// The boot order names a device that is not there, which Proxmox finds while it writes.
    BootOrder,
}

impl Cause {
    /// Reports whether a message of Proxmox states this cause.
    pub fn is_stated_in(self, message: &str) -> bool {
        let has = |words: &str| message.contains(words);
        match self {
            Self::Exists => has(EXISTS),
            Self::NotEmpty => has(NOT_EMPTY),
            Self::Protected => has(PROTECTED),
            Self::RootOnly => has(ROOT_ONLY),
            Self::RootOnlyDevice => has(ROOT_ONLY) && message.contains(&format!("{CONFIG} for")),
            Self::BootOrder => has(BOOT_ORDER),
        }
    }
}
