//! Containers as `proxmox_virtual_environment_container`.

mod general;
mod network;
#[cfg(test)]
mod tests;
mod volumes;

use super::Translation;
use crate::row::Row;

/// Translation of containers and their templates.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "container",
    file: "containers.tf",
    word: "ct",
    data: true,
    namespace: super::Namespace::Guests,
    destination: |object, _| super::guest::destination("proxmox_virtual_environment_container", object),
    name: |entry| entry.name.clone(),
    rows: ROWS,
    role: Some(|_| super::guest::ROLE),
};

/// Every key of a container, in the order in which its block is written.
static ROWS: &[Row] = &[
    Row::custom(&[], general::location),
    Row::custom(&["description"], super::guest::description),
    Row::custom(&["tags"], super::guest::tags),
    Row::always(&["onboot"], "start_on_boot"),
    Row::custom(&[], super::guest::started),
    Row::checked(&[], super::guest::pending),
    Row::always(&["unprivileged"], "unprivileged"),
    Row::flag(&["template"], "template", false),
    Row::flag(&["protection"], "protection", false),
    Row::custom(&["hookscript"], super::guest::hook_script),
    Row::custom(&["env"], general::environment),
    Row::custom(&["ostype"], general::operating_system),
    Row::checked(&["startup"], super::guest::startup),
    Row::custom(&["console", "cmode", "tty"], general::console),
    Row::checked(&[], general::processors),
    Row::checked(&[], general::numbers),
    Row::checked(&["arch", "cores", "cpulimit", "cpuunits"], general::cpu),
    Row::custom(&["memory", "swap"], general::memory),
    Row::checked(&["rootfs"], volumes::root),
    Row::checked(&["mp[n]"], volumes::mount_points),
    Row::checked(&["dev[n]"], volumes::devices),
    Row::checked(&["net[n]"], network::interfaces),
    Row::custom(&["hostname", "nameserver", "searchdomain", "entrypoint"], network::initialization),
    Row::custom(&["features"], general::features),
    Row::checked(&["lxc"], general::raw),
    Row::volatile(&["digest", "lock", "parent", "snapstate", "snaptime", "unused[n]"]),
    Row::ansible(&["timezone", "debug"], "the provider has no attribute for it (provider rule K2)"),
    Row::custom(&[], super::protected_blocks::row),
];
