//! What only `root@pam` may say of a container (`check_ct_modify_config_perm` of `pve-container`).
//!
//! The privileges that others need are in `rights::written`; what stands here is refused to every token, root's too.

use proxmox_mpc_model::property::Properties;

use super::super::{Call, Refusal, Row, is_on, word};
use super::mounts::{Kind, Mount, is_mount};

/// Refuses what a call gives, if it is root's own; `before` is the configuration that is changed.
pub(super) fn given(call: &Call, given: &Row, before: Option<&Row>, unprivileged: bool) -> Result<(), Refusal> {
    if call.login.is_root() {
        return Ok(());
    }
    for (key, value) in given {
        let value = value.as_str().unwrap_or_default();
        if is_mount(key) {
            let kind = Mount::parse(value).kind();
            if kind != Kind::Volume {
                return refuse(&format!("mount point type {} is only allowed for root@pam", kind.word()));
            }
        }
        let before = before.and_then(|before| word(before, key)).unwrap_or_default();
        option(key, Some(value), &before, unprivileged)?;
    }
    Ok(())
}

/// Refuses to take keys away that are root's own.
pub(super) fn taken(call: &Call, keys: &[String], before: &Row, unprivileged: bool) -> Result<(), Refusal> {
    if call.login.is_root() {
        return Ok(());
    }
    keys.iter().try_for_each(|key| option(key, None, &word(before, key).unwrap_or_default(), unprivileged))
}

fn option(key: &str, value: Option<&str>, before: &str, unprivileged: bool) -> Result<(), Refusal> {
    match key {
        "hookscript" => refuse("changing the hookscript is only allowed for root@pam"),
        "features" if !unprivileged => {
            refuse("changing feature flags for privileged container is only allowed for root@pam")
        }
        "features" if changes_more_than_nesting(before, value) => {
            refuse("changing feature flags (except nesting) is only allowed for root@pam")
        }
        _ if key.strip_prefix("dev").is_some_and(|number| number.parse::<u8>().is_ok()) => {
            refuse("configuring device passthrough is only allowed for root@pam")
        }
        _ => Ok(()),
    }
}

/// Whether other features change than nesting. Those of a container that has some are compared one by one; otherwise,
/// and where all are taken away, nesting alone may be named.
fn changes_more_than_nesting(before: &str, after: Option<&str>) -> bool {
    let features = |text: &str| -> Vec<(String, String)> {
        let features = Properties::parse(text);
        features.iter().filter_map(|(key, value)| Some((key?.to_owned(), value.to_owned()))).collect()
    };
    let others = |text: &str| features(text).into_iter().filter(|(key, _)| key != "nesting").collect::<Vec<_>>();
    match after {
        Some(after) if !before.is_empty() => {
            let (mut old, mut new) = (others(before), others(after));
            old.sort();
            new.sort();
            old != new
        }
        Some(after) => !others(after).is_empty(),
        None => !others(before).is_empty(),
    }
}

fn refuse(why: &str) -> Result<(), Refusal> {
    Err(Refusal::Message { status: 403, text: format!("Permission check failed ({why})") })
}

/// Whether a configuration is an unprivileged container's.
pub(super) fn is_unprivileged(keys: &Row) -> bool {
    is_on(keys, "unprivileged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_alone_is_no_privilege_of_root() {
        let check = |before: &str, after: Option<&str>, expected: bool| {
            assert_eq!(changes_more_than_nesting(before, after), expected, "{before} {after:?}");
        };
        check("", Some("nesting=1"), false);
        check("", Some("nesting=1,keyctl=1"), true);
        check("fuse=1,nesting=0", Some("fuse=1,nesting=1"), false);
        check("fuse=1", Some("nesting=1"), true);
        check("nesting=1", None, false);
        check("fuse=1", None, true);
    }
}
