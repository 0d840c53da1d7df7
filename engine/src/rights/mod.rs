//! Rights: predicts from the permissions of a login which objects it cannot see, and which requests of a plan against the
//! cluster would be refused.

pub mod roles;

use std::collections::BTreeSet;

use std::fmt;

use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::guest::{Guest, GuestType};
use proxmox_mpc_model::kinds::{RowId, matches};
use proxmox_mpc_model::permissions::Permissions;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::schema::Release;
use proxmox_mpc_model::{ApiPath, Cluster, Identity, Unreadable};
use serde_json::{Map, Value};

/// The privileges of a role that reads everything and changes nothing, on PVE 8 and 9.
///
/// No privilege for guest agents is among them (`VM.Monitor` on PVE 8, `VM.GuestAgent.Audit` on PVE 9, where the built-in
/// `PVEAuditor` has it). Without one, Proxmox refuses to ask the agent at once; with one, Terraform waits 15 minutes for
/// each agent that does not answer (docs/provider.md, A1).
pub const READER: [&str; 6] = ["VM.Audit", "Datastore.Audit", "Sys.Audit", "Pool.Audit", "SDN.Audit", "Mapping.Audit"];

/// The privileges of which any one lets a login ask guest agents for addresses: the first on PVE 8, the others on PVE 9.
const AGENT: [&str; 3] = ["VM.Monitor", "VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"];

/// The keys of a VM whose volumes Terraform's provider looks up on the storage (docs/provider.md, R2).
const DRIVES: [&str; 5] = ["scsi[n]", "virtio[n]", "sata[n]", "ide[n]", "efidisk0"];

/// A privilege that a login lacks, and the objects that it cannot see without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The missing privilege: `VM.Audit`.
    pub privilege: &'static str,
    /// The path that it is missing on, or below: `/vms`.
    pub path: &'static str,
    /// The objects that cannot be seen without it.
    pub hidden: &'static str,
}

impl fmt::Display for Gap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { privilege, path, hidden } = self;
        write!(formatter, "this login lacks {privilege} on {path} or below, which hides {hidden}")
    }
}

/// Returns the privileges that a login lacks, most important first. Proxmox filters its lists silently, so that only the
/// permissions show this. If the recording has no permissions, everything counts as hidden.
pub fn gaps(permissions: &Permissions) -> Vec<Gap> {
    let gap = |privilege, path, hidden| Gap { privilege, path, hidden };
    let mut gaps = vec![
        gap("VM.Audit", "/vms", "guests and their configurations"),
        gap("Datastore.Audit", "/storage", "storages"),
        gap("Pool.Audit", "/pool", "pools and their members"),
        gap("Sys.Audit", "/", "the state of the cluster and the guests of the HA manager"),
        gap("Sys.Audit", "/access", "users, groups, API tokens, permissions and the settings of realms"),
    ];
    // Proxmox checks the privilege for the state of the cluster on `/` alone, the others on each object.
    gaps.retain(|gap| match gap.path {
        "/" => !permissions.allow(gap.path, gap.privilege),
        path => !permissions.allow_all(path, gap.privilege),
    });
    gaps
}

/// Refusal of a request that a plan against the cluster would send: the login cannot read the object by itself, although
/// an import can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The object.
    pub identity: Identity,
    /// The privilege that Terraform's provider needs for it.
    pub privilege: &'static str,
    /// The path that it needs the privilege on.
    pub path: String,
    /// The request that would be refused.
    pub request: ApiPath,
}

/// Returns the requests of a plan against the cluster that would be refused. The provider reads each storage, each API
/// token, each zone and each controller of the SDN by itself, and asks the storage for the format of each volume whose name
/// does not show it (recorded as `homelab/get-auditor` and `errors/auditor_sdn_zone`; docs/provider.md, R3 and D15).
///
/// A guest without a recorded configuration is skipped: an import reports it as not read.
pub fn refusals(cluster: &Cluster<'_>) -> Result<Vec<Refusal>, Unreadable> {
    let mut refusals = Vec::new();
    for guest in virtual_machines(cluster) {
        let Some(keys) = configuration(cluster, guest)? else { continue };
        refusals.extend(keys.iter().find_map(|(key, value)| refused_drive(cluster, guest, key, value)));
    }
    refusals.extend(refused_environments(cluster)?);
    for storage in cluster.storages.keys() {
        let path = format!("/storage/{storage}");
        if !cluster.permissions.allow(&path, "Datastore.Allocate") {
            refusals.push(Refusal {
                identity: Identity::new("storage", storage),
                privilege: "Datastore.Allocate",
                path,
                request: ApiPath::new(["storage", storage]),
            });
        }
    }
    refusals.extend(refused_tokens(cluster)?);
    refusals.extend(refused_networks(cluster)?);
    Ok(refusals)
}

/// Refusals of zones and controllers of the SDN: their lists take SDN.Audit, a single one takes SDN.Allocate.
fn refused_networks(cluster: &Cluster<'_>) -> Result<Vec<Refusal>, Unreadable> {
    let mut refusals = Vec::new();
    for (list, key, prefix) in [("zones", "zone", "sdn-zone"), ("controllers", "controller", "sdn-controller")] {
        let rows = cluster.rows(&ApiPath::new(["cluster", "sdn", list]).with_query("pending", "1"), RowId::Key(key))?;
        for id in rows.iter().flat_map(|rows| rows.keys()) {
            let path = format!("/sdn/{list}/{id}");
            if !cluster.permissions.allow(&path, "SDN.Allocate") {
                refusals.push(Refusal {
                    identity: Identity::new(prefix, id),
                    privilege: "SDN.Allocate",
                    path,
                    request: ApiPath::new(["cluster", "sdn", list, id]),
                });
            }
        }
    }
    Ok(refusals)
}

/// Refusals of container configurations: from Proxmox VE 9.2 on, one with environment variables takes VM.Config.Options
/// (`pve-9.2/get-auditor`).
fn refused_environments(cluster: &Cluster<'_>) -> Result<Vec<Refusal>, Unreadable> {
    const PRIVILEGE: &str = "VM.Config.Options";
    let mut refusals = Vec::new();
    if Release::of(cluster.version.as_deref().unwrap_or_default()) < Release::NineTwo {
        return Ok(refusals);
    }
    for guest in cluster.guests.values().filter(|guest| guest.guest_type == GuestType::Lxc) {
        let path = format!("/vms/{}", guest.vmid);
        let Some(keys) = configuration(cluster, guest)? else { continue };
        if keys.contains_key("env") && !cluster.permissions.allow(&path, PRIVILEGE) {
            refusals.push(Refusal {
                identity: Identity::new("lxc", guest.vmid),
                privilege: PRIVILEGE,
                path,
                request: ApiPath::new(["nodes", &guest.node, "lxc", &guest.vmid.to_string(), "config"]),
            });
        }
    }
    Ok(refusals)
}

/// Refusals of API tokens: the list of users shows them to auditors, but a single one takes User.Modify for its user, which
/// may be granted on a group of the user's. Users may also read their own tokens, which the permissions do not show.
fn refused_tokens(cluster: &Cluster<'_>) -> Result<Vec<Refusal>, Unreadable> {
    const GROUPS: &str = "/access/groups";
    const PRIVILEGE: &str = "User.Modify";
    let users = cluster.rows(&ApiPath::new(["access", "users"]).with_query("full", "1"), RowId::Key("userid"))?;
    let mut refusals = Vec::new();
    for (user, keys) in users.iter().flat_map(|users| users.iter()) {
        let groups = keys.get("groups").and_then(Value::as_str).unwrap_or_default();
        let granted = |group: &str| cluster.permissions.allow(&format!("{GROUPS}/{group}"), PRIVILEGE);
        if cluster.permissions.allow(GROUPS, PRIVILEGE)
            || groups.split(',').any(|group| !group.is_empty() && granted(group))
        {
            continue;
        }
        let tokens = keys.get("tokens").and_then(Value::as_array).into_iter().flatten();
        refusals.extend(tokens.filter_map(|token| token.get("tokenid")?.as_str()).map(|token| Refusal {
            identity: Identity::new("token", format!("{user}!{token}")),
            privilege: PRIVILEGE,
            path: GROUPS.to_owned(),
            request: ApiPath::new(["access", "users", user, "token", token]),
        }));
    }
    Ok(refusals)
}

/// Returns the running VMs whose agent a plan against the cluster would ask, and wait 15 minutes for if it does not answer.
/// Empty for a login without a guest-agent privilege.
pub fn agents(cluster: &Cluster<'_>) -> Result<Vec<Identity>, Unreadable> {
    let mut agents = Vec::new();
    for guest in virtual_machines(cluster).filter(|guest| guest.running) {
        let path = format!("/vms/{}", guest.vmid);
        if !AGENT.iter().any(|privilege| cluster.permissions.allow(&path, privilege)) {
            continue;
        }
        if has_agent(cluster, guest)? {
            agents.push(Identity::new("qemu", guest.vmid));
        }
    }
    Ok(agents)
}

/// Returns the running VMs whose agent is enabled, was asked when the cluster was read, and did not answer.
pub fn silent_agents(cluster: &Cluster<'_>) -> Result<BTreeSet<Identity>, Unreadable> {
    let mut silent = BTreeSet::new();
    for guest in virtual_machines(cluster).filter(|guest| guest.running) {
        let vmid = guest.vmid.to_string();
        let path = ApiPath::new(["nodes", &guest.node, "qemu", &vmid, "agent", "network-get-interfaces"]);
        let refused = cluster.get(&path)?.filter(|answer| answer.status == 500);
        if refused.is_some_and(|answer| answer.reason.contains("agent")) && has_agent(cluster, guest)? {
            silent.insert(Identity::new("qemu", guest.vmid));
        }
    }
    Ok(silent)
}

fn has_agent(cluster: &Cluster<'_>, guest: &Guest) -> Result<bool, Unreadable> {
    let Some(keys) = configuration(cluster, guest)? else { return Ok(false) };
    let agent = keys.get("agent").and_then(proxmox_mpc_model::object::text).unwrap_or_default();
    Ok(Properties::parse(&agent).get_or_bare("enabled") == Some("1"))
}

fn virtual_machines<'c>(cluster: &'c Cluster<'_>) -> impl Iterator<Item = &'c Guest> {
    cluster.guests.values().filter(|guest| guest.guest_type == GuestType::Qemu)
}

fn configuration(cluster: &Cluster<'_>, guest: &Guest) -> Result<Option<Map<String, Value>>, Unreadable> {
    let path = ApiPath::new(["nodes", &guest.node, guest.guest_type.word(), &guest.vmid.to_string(), "config"]);
    let answer = cluster.get(&path)?;
    Ok(answer.and_then(|answer| answer.data()?.as_object().cloned()))
}

/// The refused request about the volume of a drive, if there is one. Proxmox checks the privilege on the guest that owns
/// the volume, not on the one that uses it.
fn refused_drive(cluster: &Cluster<'_>, guest: &Guest, key: &str, value: &Value) -> Option<Refusal> {
    let drive = DRIVES.iter().any(|family| matches(family, key)).then(|| Drive::parse(value.as_str().unwrap_or("")))?;
    let volume = drive.stored().filter(|_| !drive.is_cdrom() && drive.format().is_none())?;
    let path = format!("/vms/{}", volume.owner().unwrap_or(guest.vmid));
    if cluster.permissions.allow(&path, "VM.Config.Disk") {
        return None;
    }
    Some(Refusal {
        identity: Identity::new("qemu", guest.vmid),
        privilege: "VM.Config.Disk",
        path,
        request: ApiPath::new(["nodes", &guest.node, "storage", volume.storage(), "content", volume.as_str()]),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proxmox_mpc_model::Answers;
    use proxmox_mpc_twin::recording::Recording;

    use super::*;

    fn fixture(name: &str) -> Recording {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
        Recording::open(&path).unwrap()
    }

    /// Compares the predictions with the answers of the real API to the same token.
    #[test]
    fn an_auditor_is_refused_what_the_recording_says() {
        let recording = fixture("homelab-auditor.tar.zst");
        let cluster = Cluster::read(&recording).unwrap();
        let refusals = refusals(&cluster).unwrap();
        assert_eq!(gaps(&cluster.permissions), []);
        let predicted: Vec<&str> = refusals.iter().map(|refusal| refusal.identity.as_str()).collect();
        for expected in ["qemu/110", "storage/local", "token/monitor@pve!audit"] {
            assert!(predicted.contains(&expected), "{predicted:?}");
        }
        let mut recorded = 0;
        for Refusal { privilege, path, request, .. } in &refusals {
            let Some(answer) = recording.get(request).unwrap() else { continue };
            let reason = format!("Permission check failed ({path}, {privilege})");
            // For users, Proxmox does not name the missing privilege.
            let reason = reason.split(" (/access").next().unwrap_or_default();
            assert_eq!((answer.status, answer.reason.as_str()), (403, reason));
            recorded += 1;
        }
        assert!(recorded > 10, "only {recorded} of {} predictions are on record", refusals.len());
    }

    #[test]
    fn an_administrator_is_refused_nothing_and_waits_for_agents() {
        let recording = fixture("homelab.tar.zst");
        let cluster = Cluster::read(&recording).unwrap();
        assert_eq!(refusals(&cluster).unwrap(), []);
        assert_eq!(gaps(&cluster.permissions), []);
        let agents = agents(&cluster).unwrap();
        let agents: Vec<&str> = agents.iter().map(Identity::as_str).collect();
        assert!(!agents.is_empty());
        for id in &agents {
            let answer = recording.get(&ApiPath::parse(&format!("nodes/pve/{id}/config"))).unwrap().unwrap();
            assert!(answer.data().unwrap()["agent"].as_str().unwrap().contains('1'), "{id}");
        }
    }

    /// The expected reasons are those of the real API for a zone (`errors/auditor_sdn_zone`).
    #[test]
    fn zones_and_controllers_take_a_privilege_of_their_own() {
        let recording = fixture("pve-9.1.tar.zst");
        let mut cluster = Cluster::read(&recording).unwrap();
        let refused = |cluster: &Cluster<'_>| -> Vec<String> {
            let refusals = refusals(cluster).unwrap().into_iter();
            let refusals = refusals.filter(|refusal| refusal.identity.prefix().starts_with("sdn-"));
            refusals.map(|Refusal { path, privilege, .. }| format!("({path}, {privilege})")).collect()
        };
        assert_eq!(refused(&cluster), Vec::<String>::new());
        cluster.permissions = holding(&READER);
        let reasons = refused(&cluster);
        assert!(reasons.contains(&"(/sdn/zones/z1, SDN.Allocate)".to_owned()), "{reasons:?}");
        assert!(reasons.contains(&"(/sdn/controllers/evpnctl, SDN.Allocate)".to_owned()), "{reasons:?}");
        assert_eq!(reasons.len(), 8);
    }

    /// The expected reasons are those of the real API (`pve-9.2/get-auditor`).
    #[test]
    fn a_containers_environment_takes_a_privilege_of_its_own_from_9_2_on() {
        let recording = fixture("pve-9.2.tar.zst");
        let mut cluster = Cluster::read(&recording).unwrap();
        let mut refused = |version: &str, privileges: &[&str]| -> Vec<String> {
            cluster.permissions = holding(privileges);
            cluster.version = Some(version.to_owned());
            let refusals = refusals(&cluster).unwrap().into_iter().filter(|refusal| refusal.identity.prefix() == "lxc");
            refusals
                .map(|Refusal { path, privilege, request, .. }| format!("{request} ({path}, {privilege})"))
                .collect()
        };
        assert_eq!(refused("9.2.11", &READER), ["nodes/pve01/lxc/204/config (/vms/204, VM.Config.Options)"]);
        assert_eq!(refused("9.1.9", &READER), Vec::<String>::new());
        assert_eq!(refused("9.2.11", &[&READER[..], &["VM.Config.Options"]].concat()), Vec::<String>::new());
    }

    /// The built-in auditor of PVE 9 may ask agents, which is why we print another role.
    #[test]
    fn the_built_in_auditor_waits_for_agents_and_our_reader_does_not() {
        let recording = fixture("homelab-auditor.tar.zst");
        let mut cluster = Cluster::read(&recording).unwrap();
        assert!(!agents(&cluster).unwrap().is_empty());
        cluster.permissions = holding(&READER);
        assert_eq!(agents(&cluster).unwrap(), []);
        assert_eq!(gaps(&cluster.permissions), []);
    }

    fn holding(privileges: &[&str]) -> Permissions {
        let granted: Map<String, Value> = privileges.iter().map(|name| ((*name).to_owned(), 1.into())).collect();
        Permissions::read(Some(&serde_json::json!({ "/": granted })))
    }

    #[test]
    fn gaps_are_named_by_privilege() {
        let check = |permissions: &Permissions, expected: &[&str]| {
            let missing: Vec<&str> = gaps(permissions).iter().map(|gap| gap.privilege).collect();
            assert_eq!(missing, expected);
        };
        check(&holding(&["VM.Audit", "Sys.Audit"]), &["Datastore.Audit", "Pool.Audit"]);
        let all = ["VM.Audit", "Datastore.Audit", "Pool.Audit", "Sys.Audit", "Sys.Audit"];
        check(&holding(&[]), &all);
        check(&Permissions::read(None), &all);
        // A privilege that is checked on `/` alone need not be inherited.
        let here = serde_json::json!({"/": {"Sys.Audit": 0}, "/vms": {"VM.Audit": 1}, "/storage": {"Datastore.Audit": 1},
            "/pool": {"Pool.Audit": 1}});
        let missing = gaps(&Permissions::read(Some(&here)));
        assert_eq!(missing.iter().map(|gap| gap.path).collect::<Vec<_>>(), ["/access"]);
    }

    /// Compares the role with the privileges that the real Proxmox knows, and that its own auditor has.
    #[test]
    fn every_privilege_of_the_reader_exists() {
        let recording = fixture("homelab.tar.zst");
        let roles = recording.get(&ApiPath::parse("access/roles")).unwrap().unwrap();
        let auditor = roles.list().find(|role| role["roleid"] == "PVEAuditor").unwrap();
        let known: Vec<&str> = auditor["privs"].as_str().unwrap().split(',').collect();
        let mut expected = known.clone();
        expected.retain(|privilege| !AGENT.contains(privilege));
        expected.sort_unstable();
        let mut reader = READER;
        reader.sort_unstable();
        assert_eq!(reader.as_slice(), expected);
    }
}
