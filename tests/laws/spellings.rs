//! Spellings of switches: the code means what Proxmox means in each of them, and a value that the provider reads
//! otherwise counts neither as code nor as a default. Every switch of every value of guests in Proxmox's schema is
//! tried.

use std::collections::BTreeMap;

use proxmox_mpc_generators::coverage::{Fate, Outcome};
use proxmox_mpc_model::schema::{Domain, Parameter, Verb, schema};
use proxmox_mpc_model::{Answer, ApiPath, Identity};
use serde_json::json;

use crate::support::clusters::{Memory, generated};

/// Values of the keys that have switches, to which a switch is added.
const BASES: &[(&str, &str, &str)] = &[
    ("qemu", "agent", "1"),
    ("qemu", "amd-sev", "es"),
    ("qemu", "cpu", "host"),
    ("qemu", "efidisk0", "local:100/vm-100-disk-0.raw,format=raw"),
    ("qemu", "hostpci0", "01:00"),
    ("qemu", "ide0", "local:100/vm-100-disk-1.raw"),
    ("qemu", "intel-tdx", "tdx"),
    ("qemu", "machine", "q35"),
    ("qemu", "net0", "virtio=BC:24:11:6E:4E:2E,bridge=vmbr0"),
    ("qemu", "sata0", "local:100/vm-100-disk-1.raw"),
    ("qemu", "scsi0", "local:100/vm-100-disk-1.raw"),
    ("qemu", "smbios1", "uuid=5f0e8ca1-5f0e-4ca1-8ca1-5f0e8ca15f0e,serial=QUJD"),
    ("qemu", "spice_enhancements", "videostreaming=all"),
    ("qemu", "usb0", "host=046d:c52b"),
    ("qemu", "virtio0", "local:100/vm-100-disk-1.raw"),
    ("qemu", "virtiofs0", "dirid=share"),
    ("lxc", "dev0", "/dev/net/tun"),
    ("lxc", "features", "mount=nfs"),
    ("lxc", "mp0", "/srv/data,mp=/data"),
    ("lxc", "net0", "name=eth0,bridge=vmbr0"),
    ("lxc", "rootfs", "local:100/vm-100-disk-0.raw"),
];

/// The switches of each key: those of its value's format that are of the type `boolean`.
fn switches(kind: &str) -> BTreeMap<String, Vec<String>> {
    let found = schema().find(Verb::Put, &["nodes", "pve", kind, "100", "config"]).unwrap();
    let mut switches = BTreeMap::new();
    for (key, parameter) in schema().parameters(found.method) {
        let Domain::Properties(options) = schema().domain(parameter) else { continue };
        let is_switch = |(_, option): &(&str, &Parameter)| matches!(schema().domain(option), Domain::Boolean);
        let found: Vec<String> = options.into_iter().filter(is_switch).map(|(option, _)| option.to_owned()).collect();
        if !found.is_empty() {
            switches.insert(key.replace("[n]", "0"), found);
        }
    }
    switches
}

/// Outcome of a guest with a value: its code with and without ignored attributes, and the fate of the option.
struct GuestOutcome {
    code: String,
    ignoring: String,
    fate: Option<Fate>,
}

fn made(kind: &str, key: &str, value: &str, option: &str) -> GuestOutcome {
    let mut config = if kind == "qemu" {
        json!({"name": "web", "scsihw": "virtio-scsi-pci", "ostype": "l26", "cpu": "host", "memory": "1024"})
    } else {
        json!({"hostname": "web", "ostype": "debian", "cores": 1, "memory": 512, "swap": 512,
               "rootfs": "local:100/vm-100-disk-0.raw,size=8G"})
    };
    config[key] = value.into();
    let answers: Memory = [
        ("access/permissions".to_owned(), json!({"/": {"VM.Audit": 1, "Sys.Audit": 1}})),
        ("nodes".to_owned(), json!([{"node": "pve", "status": "online"}])),
        ("cluster/resources".to_owned(), json!([{"type": kind, "vmid": 100, "node": "pve", "name": "web"}])),
        ("storage".to_owned(), json!([])),
        ("pools".to_owned(), json!([])),
        (format!("nodes/pve/{kind}/100/config"), config),
    ]
    .into_iter()
    .map(|(path, data)| (ApiPath::parse(&path), Answer::ok(data)))
    .collect();
    let made = generated(&answers);
    let object = &made.coverage.objects[&Identity::new(kind, 100)];
    assert!(matches!(object.outcome, Outcome::Terraform { .. }), "{key}: {value}");
    let file = if kind == "qemu" { "terraform/virtual_machines.tf" } else { "terraform/containers.tf" };
    let text = made.files[file].split_once("\nresource ").unwrap().1;
    // Comments cite the value.
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n");
    let code = text.split("  lifecycle {").next().unwrap().to_owned();
    // A whole value that is Ansible's, or in no code, is of one fate with what is in it.
    let whole = object.keys.get(key).filter(|fate| matches!(fate, Fate::Ansible(_) | Fate::NotExpressible(_)));
    let fate = whole.or_else(|| object.keys.get(&format!("{key}.{option}"))).cloned();
    GuestOutcome { code, ignoring: text, fate }
}

#[test]
fn a_switch_means_the_same_however_it_is_spelled() {
    let mut tried = 0;
    for kind in ["qemu", "lxc"] {
        for (key, options) in switches(kind) {
            let base = BASES.iter().find(|(of, name, _)| (*of, *name) == (kind, key.as_str()));
            let Some((.., base)) = base else {
                panic!("{kind} {key} has switches ({options:?}) and no value to try them with")
            };
            for option in options.iter().filter(|option| key != "agent" || *option != "enabled") {
                let with = |word: &str| made(kind, &key, &format!("{base},{option}={word}"), option);
                let (on, off) = (with("1"), with("0"));
                for word in ["on", "Yes", "TRUE"] {
                    let other = with(word);
                    assert_eq!(other.code, on.code, "{key}: {option}={word}");
                    let is_told = matches!(other.fate, Some(Fate::Ansible(_) | Fate::NotExpressible(_)));
                    // What the provider decodes whatever is said of it.
                    assert!(is_told || option == "base64", "{key}: {option}={word} counts as {:?}", other.fate);
                    tried += 1;
                }
                for word in ["off", "No", "FALSE"] {
                    let other = with(word);
                    assert_eq!(other.ignoring, off.ignoring, "{key}: {option}={word}");
                    assert!(same(other.fate.as_ref(), off.fate.as_ref()), "{key}: {option}={word}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 400, "{tried}");
}

/// Reports whether two fates are of one sort.
fn same(one: Option<&Fate>, other: Option<&Fate>) -> bool {
    one.map(Fate::word) == other.map(Fate::word)
}
