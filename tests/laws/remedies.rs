//! Every remedy for a guest is run on a twin: it changes nothing that the guest means, and the guest is Terraform's afterwards, with
//! nothing left to be said.
//!
//! Not run are remedies that are no command (`say a number`), those that the owner completes (`--sshkeys FILE`), and those for
//! storages.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use proxmox_mpc_generators::coverage::Outcome;
use proxmox_mpc_model::derived::Deriver;
use proxmox_mpc_model::kinds::{Form, KINDS, Key};
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::schema::Verb;
use proxmox_mpc_model::{Answer, Answers as _, ApiPath, Cluster, Identity, boolean, object};
use proxmox_mpc_twin::call::{Login, Request};
use proxmox_mpc_twin::writes::perform;
use proxmox_mpc_twin::{State, etc_pve};
use serde_json::{Map, Value, json};

use crate::support::clusters::{Memory, generated};

const STORAGES: &str = "dir: local\n\tpath /var/lib/vz\n\tcontent images,rootdir,iso\n\n\
                        lvmthin: local-lvm\n\tthinpool data\n\tvgname pve\n\tcontent images,rootdir\n";

/// A cluster of one guest with this configuration file.
struct GuestTwin {
    state: State,
    kind: &'static str,
    file: String,
}

impl GuestTwin {
    fn new(kind: &'static str, file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("nodes/pve").join(if kind == "qemu" { "qemu-server" } else { "lxc" });
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("100.conf"), file).unwrap();
        fs::write(folder.path().join("storage.cfg"), STORAGES).unwrap();
        let loaded = etc_pve::load(folder.path(), "9.1.9").unwrap();
        Self { state: State::new(Arc::new(loaded.answers)), kind, file: file.to_owned() }
    }

    fn read(&self, path: &ApiPath) -> Option<Answer> {
        let view = self.state.view();
        view.get(path).unwrap().or_else(|| Deriver::new(view).derive(path).unwrap())
    }

    /// Answers that an import asks for.
    fn answers(&self) -> Memory {
        let mut asked = Memory::new();
        let mut wanted = Cluster::overview();
        while !wanted.is_empty() {
            let nothing = || Answer::refusal(501, "not on record");
            asked.extend(wanted.into_iter().map(|path| (path.clone(), self.read(&path).unwrap_or_else(nothing))));
            let cluster = Cluster::read(&asked).unwrap();
            let more = KINDS.iter().flat_map(|kind| kind.requests(&cluster).unwrap());
            wanted = more.filter(|path| !asked.contains_key(path)).collect();
        }
        asked
    }

    /// Reports whether Terraform manages the guest, with every remedy for it.
    fn import(&self) -> (bool, Vec<String>) {
        let made = generated(&self.answers());
        let identity = Identity::new(self.kind, 100);
        let notices = made.notices.iter().filter(|notice| notice.identity == identity);
        let mut remedies: Vec<String> = notices.filter_map(|notice| notice.remedy.clone()).collect();
        let outcome = &made.coverage.objects[&identity].outcome;
        if let Outcome::NotImportable { remedy, .. } | Outcome::Ansible { remedy, .. } = outcome {
            remedies.extend(remedy.clone());
        }
        (matches!(outcome, Outcome::Terraform { .. }), remedies)
    }

    /// Runs a remedy.
    fn run(&mut self, remedy: &str) {
        let words = |from: &str| {
            let command = remedy.split_once(from).map(|(_, rest)| rest.split("  #").next().unwrap_or_default());
            command.map(|command| shlex::split(command.split("; then import").next().unwrap()).unwrap())
        };
        if let Some(words) = words("sed -i ") {
            for step in words[0].split("; ") {
                let [_, from, to, _] = step.split('/').collect::<Vec<_>>()[..] else { panic!("{step}") };
                self.file = self.file.replace(&format!("\n{}", from.trim_start_matches('^')), &format!("\n{to}"));
            }
            *self = Self::new(self.kind, &self.file);
            return;
        }
        let words = words("qm set ").or_else(|| words("pct set ")).unwrap_or_else(|| panic!("no command: {remedy}"));
        let mut parameters = Map::new();
        for pair in words[1..].chunks(2) {
            let [option, value] = pair else { panic!("{remedy}") };
            let value = value.replace("$(nproc)", "4");
            parameters.insert(option.trim_start_matches("--").to_owned(), json!(value));
        }
        let request = Request {
            verb: Verb::Put,
            path: ApiPath::parse(&format!("nodes/pve/{}/100/config", self.kind)),
            parameters,
            uploaded: None,
            login: Login::parse("root@pam"),
            now: 1_800_000_000,
            duration: 0,
        };
        let answer = perform(&self.state, request);
        assert_eq!(answer.status, 200, "{remedy}: {}", answer.body);
    }

    /// Meaning of the configuration: its options by name, switches in one spelling, and Proxmox's defaults.
    fn meaning(&self) -> BTreeMap<String, String> {
        let path = ApiPath::parse(&format!("nodes/pve/{}/100/config", self.kind));
        let answer = self.read(&path).unwrap();
        let kind = KINDS.iter().find(|kind| kind.prefix == self.kind).unwrap();
        let default = |key: &Key| {
            let name = match key.form {
                Form::Properties(Some(first)) => format!("{}.{first}", key.name),
                _ => key.name.to_owned(),
            };
            Some((name, key.default?.to_owned()))
        };
        let mut meaning: BTreeMap<String, String> = kind.keys.iter().filter_map(default).collect();
        meaning.extend(ASSUMED.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        for (key, value) in answer.data().and_then(Value::as_object).unwrap().iter().filter(|(key, _)| *key != "digest")
        {
            let text = object::text(value).unwrap_or_else(|| value.to_string());
            let Some(Form::Properties(first)) = kind.key(key).map(|key| key.form) else {
                meaning.insert(key.clone(), text);
                continue;
            };
            for (name, value) in Properties::parse(&text).iter() {
                let name = name.or(first).unwrap_or_default();
                // A card's model stands as the name of its address.
                let value = boolean::parse(value).map_or_else(|| value.to_owned(), |on| u8::from(on).to_string());
                if (name, value.as_str()) != ("base64", "1") {
                    meaning.insert(format!("{key}.{name}"), value);
                }
            }
        }
        meaning
    }
}

/// Defaults of options within values.
const ASSUMED: &[(&str, &str)] =
    &[("amd-sev.allow-smt", "1"), ("scsi1.format", "raw"), ("tpmstate0.version", "v1.2"), ("efidisk0.format", "raw")];

/// Runs what is said of a guest with these lines in its file (`NONE` takes one away) until nothing is said any more. `changed` are the keys that do not mean the same
/// afterwards, as the remedies say themselves.
fn check(kind: &'static str, lines: &str, changed: &[&str]) {
    let base = if kind == "qemu" { MACHINE } else { CONTAINER };
    let given: Vec<&str> = lines.lines().filter_map(|line| line.split(": ").next()).collect();
    let own = base.lines().filter(|line| !given.iter().any(|key| line.starts_with(&format!("{key}:"))));
    let lines_given = lines.lines().filter(|line| !line.ends_with(": NONE"));
    let lines_of_file: Vec<&str> = std::iter::once("#test").chain(own).chain(lines_given).chain([""]).collect();
    let file = lines_of_file.join("\n");
    let mut twin = GuestTwin::new(kind, &file);
    let before = twin.meaning();
    let mut count = 0;
    loop {
        let (is_terraform, remedies) = twin.import();
        let Some(remedy) = remedies.first() else {
            assert!(is_terraform, "{lines}: nothing helps");
            break;
        };
        count += 1;
        assert!(count < 10, "{lines}: {remedies:?} do not help");
        // Of several remedies in one sentence each is a command.
        for one in remedy.split("import again; ") {
            twin.run(one);
        }
    }
    assert!(count > 0, "{lines}: no remedy is given");
    let after = twin.meaning();
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs: Vec<&str> =
        keys.into_iter().filter(|key| before.get(*key) != after.get(*key)).map(String::as_str).collect();
    assert_eq!(differs, changed, "{lines}");
}

const MACHINE: &str = "cpu: host\nmemory: 1024\nname: web\nostype: l26\nscsihw: virtio-scsi-pci\n";
const CONTAINER: &str = "arch: amd64\ncores: 1\nhostname: web\nmemory: 512\nostype: debian\n\
                         rootfs: local-lvm:vm-100-disk-0,size=8G\nswap: 512\nunprivileged: 1\n";

#[test]
fn a_remedy_for_a_machine_helps_and_changes_nothing() {
    for lines in [
        "agent: on",
        "agent: enabled=yes,fstrim_cloned_disks=on",
        "amd-sev: std,kernel-hashes=on",
        "amd-sev: es",
        "cpu: NONE",
        "efidisk0: local-lvm:vm-100-disk-0,pre-enrolled-keys=TRUE,size=4M",
        "efidisk0: efitype=4m,local-lvm:vm-100-disk-0",
        "efidisk0: /dev/sdx",
        "hostpci0: 01:00,pcie=on,x-vga=yes",
        "memory: current=2048",
        "net0: virtio=BC:24:11:6E:4E:2E,bridge=vmbr0,firewall=on,link_down=no",
        "scsi0: local-lvm:vm-100-disk-0,backup=no,iothread=on,size=8G,ssd=yes",
        "scsi1: /dev/disk/by-id/usb-Samsung_T7-0:0,size=500G",
        "scsihw: NONE",
        "smbios1: uuid=5f0e8ca1-5f0e-4ca1-8ca1-5f0e8ca15f0e,serial=A-1",
        "smbios1: uuid=5f0e8ca1-5f0e-4ca1-8ca1-5f0e8ca15f0e,serial=ABCD",
        "startup: 3,up=10",
        "tpmstate0: local-lvm:vm-100-disk-1,size=4M",
        "usb0: host=046d:c52b,usb3=yes",
        "migrate_downtime: 0.1",
    ] {
        // The texts of `smbios1` are the same, in Base64.
        check("qemu", lines, if lines.starts_with("smbios1") { &["smbios1.serial"] } else { &[] });
    }
    check("qemu", "scsi0: local-lvm:vm-100-disk-0,mbps_rd=0.5,size=8G", &["scsi0.mbps_rd"]);
    // The same VLANs, one by one.
    check("qemu", "net0: virtio=BC:24:11:6E:4E:2E,bridge=vmbr0,trunks=2;5-7", &["net0.trunks"]);
    check("qemu", "migrate_downtime: 0.4", &["migrate_downtime"]);
    check("qemu", "usb2: host=046d:c52b", &["usb0.host", "usb2.host"]);
    check("qemu", "net0: virtio=BC:24:11:6E:4E:2E,bridge=vmbr0,trunks=2-4094", &["net0.trunks"]);
}

#[test]
fn a_remedy_for_a_container_helps_and_changes_nothing() {
    for lines in [
        "dev0: /dev/net/tun,deny-write=on",
        "features: nesting=yes,keyctl=on,fuse=true",
        "mp0: /srv/data,mp=/data,backup=yes,ro=on,acl=on",
        "net0: name=eth0,bridge=vmbr0,firewall=yes,link_down=no,hwaddr=BC:24:11:7E:16:48,ip=dhcp,type=veth",
        "rootfs: local-lvm:vm-100-disk-0,quota=on,replicate=no,size=8G",
        "startup: 3",
    ] {
        check("lxc", lines, &[]);
    }
    // The same VLANs, one by one.
    check("lxc", "net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:7E:16:48,trunks=2-4,type=veth", &["net0.trunks"]);
    // As many cores as the node has are no limit.
    check("lxc", "cores: NONE\ncpulimit: 2", &["cores"]);
    check(
        "lxc",
        "mp2: /srv/a,mp=/a\nmp5: /srv/b,mp=/b",
        &["mp0.mp", "mp0.volume", "mp1.mp", "mp1.volume", "mp2.mp", "mp2.volume", "mp5.mp", "mp5.volume"],
    );
    check("lxc", "dev1: /dev/net/tun", &["dev0.path", "dev1.path"]);
}
