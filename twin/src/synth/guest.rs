//! Made-up guest: a virtual machine or a container of a usual kind, that Terraform's provider can import without a
//! difference (docs/provider.md).

use proxmox_mpc_model::guest::GuestType;
use serde_json::{Map, Value, json};

use super::numbers::{Cluster, node_name};
use super::random::Random;

const MEBIBYTE: u64 = 1 << 20;
const GIBIBYTE: u64 = 1 << 30;

/// Purposes of guests: the beginnings of their names.
const ROLES: &[&str] =
    &["app", "build", "cache", "db", "dns", "git", "mail", "metrics", "proxy", "queue", "web", "wiki"];

/// Guest that is determined by its index alone.
#[derive(Debug)]
pub(super) struct MadeUpGuest {
    pub(super) node: String,
    pub(super) pool: Option<&'static str>,
    vmid: u32,
    name: String,
    technology: GuestType,
    state: GuestState,
    agent: bool,
    tags: String,
    cores: u32,
    /// In MiB.
    memory: u32,
    disks: Vec<Disk>,
    /// Random numbers for everything else, which only the configuration holds.
    random: Random,
}

/// Status of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GuestState {
    Running,
    Stopped,
    /// It is a template, which never runs.
    Template,
}

/// A volume of a guest.
#[derive(Debug)]
struct Disk {
    /// The key of the configuration: `scsi0`, `rootfs`.
    key: &'static str,
    storage: &'static str,
    /// The volume without its storage: `vm-100-disk-0`.
    name: String,
    bytes: u64,
    /// Rest of the configuration, with its comma.
    options: &'static str,
}

impl MadeUpGuest {
    /// The guest with this index.
    pub(super) fn new(cluster: &Cluster, index: u32) -> Self {
        let mut random = Random::new(cluster.seed, index);
        let vmid = 100 + index;
        let technology = if random.chance(35) { GuestType::Lxc } else { GuestType::Qemu };
        let pools: &[Option<&'static str>] = &[None, Some("ci"), Some("dev"), Some("prod"), Some("prod/web")];
        let pools = if technology == GuestType::Lxc { &pools[..4] } else { pools };
        let role = random.pick(ROLES);
        let state = match random.chance(70) {
            _ if index % 40 == 7 => GuestState::Template,
            true => GuestState::Running,
            false => GuestState::Stopped,
        };
        let mut guest = Self {
            node: node_name(random.below(cluster.nodes)),
            pool: random.pick(pools),
            vmid,
            // Names repeat within a cluster (docs/proxmox.md, "Names").
            name: if random.chance(8) { "simple".to_owned() } else { format!("{role}-{}", random.below(900) + 100) },
            technology,
            state,
            agent: random.chance(60),
            tags: tags(&mut random, role),
            cores: random.pick(&[1, 2, 2, 4, 4, 8]),
            memory: random.pick(&[512, 1024, 2048, 2048, 4096, 8192]),
            disks: Vec::new(),
            random: random.clone(),
        };
        guest.disks = guest.make_disks(&mut random);
        guest.random = random;
        guest
    }

    /// Its place in paths: `qemu/100`.
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.technology.word(), self.vmid)
    }

    /// Its row in `cluster/resources`.
    pub(super) fn resource(&self) -> Map<String, Value> {
        let memory = u64::from(self.memory) * MEBIBYTE;
        let running = self.state == GuestState::Running;
        let row = json!({
            "cpu": 0, "disk": 0, "diskread": 0, "diskwrite": 0, "id": self.id(), "maxcpu": self.cores,
            "maxdisk": self.boot_disk().map_or(0, |disk| disk.bytes), "maxmem": memory,
            "mem": if running { memory / 2 } else { 0 }, "memhost": 0, "name": self.name, "netin": 0, "netout": 0,
            "node": self.node, "status": if running { "running" } else { "stopped" },
            "template": u8::from(self.state == GuestState::Template), "type": self.technology.word(),
            "uptime": if running { 86400 + self.vmid } else { 0 }, "vmid": self.vmid,
        });
        let Value::Object(mut row) = row else { return Map::new() };
        if let Some(pool) = self.pool {
            row.insert("pool".to_owned(), json!(pool));
        }
        if !self.tags.is_empty() {
            row.insert("tags".to_owned(), json!(self.tags));
        }
        row
    }

    /// Its rows in the list of images of a storage; the volumes of containers stand in another list.
    pub(super) fn images(self, storage: &'static str) -> impl Iterator<Item = Value> {
        let (vmid, machine) = (self.vmid, self.technology == GuestType::Qemu);
        let disks = self.disks.into_iter().filter(move |disk| machine && disk.storage == storage);
        disks.map(move |disk| {
            let volume = format!("{storage}:{}", disk.name);
            let mut row = json!({
                "content": "images", "format": "raw", "size": disk.bytes, "vmid": vmid, "volid": volume,
            });
            if storage == "tank" {
                row["name"] = json!(disk.name);
                row["parent"] = Value::Null;
            } else {
                row["ctime"] = json!("1767225600");
            }
            row
        })
    }

    /// Its configuration.
    pub(super) fn config(&self) -> Value {
        let mut random = self.random.clone();
        let mut keys = match self.technology {
            GuestType::Qemu => self.machine_keys(&mut random),
            GuestType::Lxc => self.container_keys(&mut random),
        };
        for disk in &self.disks {
            keys.insert(disk.key.to_owned(), json!(disk.value()));
        }
        let mut set = |key: &str, value: Value| drop(keys.insert(key.to_owned(), value));
        set("cores", json!(self.cores));
        set("digest", json!(random.hex(40)));
        if random.chance(50) {
            set("onboot", json!(1));
        }
        if self.state == GuestState::Template {
            set("template", json!(1));
        }
        if !self.tags.is_empty() {
            set("tags", json!(self.tags));
        }
        if random.chance(30) {
            // A container's notes end their line, a virtual machine's do not (docs/proxmox.md, "JSON types").
            let end = if self.technology == GuestType::Lxc { "\n" } else { "" };
            set("description", json!(format!("# {}\n\nOwner: team {}{end}", self.name, random.pick(ROLES))));
        }
        keys.into()
    }

    /// Its configuration as a list of what is in force; nothing is pending.
    pub(super) fn pending(&self) -> Value {
        let config = self.config();
        let keys = config.as_object().into_iter().flatten();
        keys.map(|(key, value)| json!({ "key": key, "value": value })).collect()
    }

    /// Answers besides the configuration: the firewall, which one in ten uses, and snapshots.
    pub(super) fn beside(&self) -> [(&'static str, Value); 5] {
        let digest = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        let used = self.vmid % 10 == 3;
        let options = if used { json!({ "enable": 1, "policy_in": "DROP", "digest": digest }) } else { json!({}) };
        let rule = json!({ "pos": 0, "type": "in", "action": "ACCEPT", "enable": 1, "macro": "SSH", "digest": digest });
        let current = json!({ "name": "current", "description": "You are here!", "running": 0, "digest": digest });
        [
            ("firewall/options", options),
            ("firewall/rules", if used { json!([rule]) } else { json!([]) }),
            ("firewall/ipset", json!([])),
            ("firewall/aliases", json!([])),
            ("snapshot", json!([current])),
        ]
    }

    /// Network as the inside of a running guest tells it, and the path below the guest's where it is asked.
    pub(super) fn interfaces(&self) -> Option<(&'static str, Value)> {
        let address = self.address();
        if self.state != GuestState::Running {
            return None;
        }
        if self.technology == GuestType::Lxc {
            let address = json!({ "ip-address": address, "ip-address-type": "inet", "prefix": "8" });
            let data = json!([{ "hwaddr": self.mac().to_lowercase(), "ip-addresses": [address], "name": "eth0" }]);
            return Some(("interfaces", data));
        }
        let address = json!({ "ip-address": address, "ip-address-type": "ipv4", "prefix": 8 });
        let interface =
            json!({ "hardware-address": self.mac().to_lowercase(), "ip-addresses": [address], "name": "eth0" });
        self.agent.then(|| ("agent/network-get-interfaces", json!({ "result": [interface] })))
    }

    fn machine_keys(&self, random: &mut Random) -> Map<String, Value> {
        let tag = if random.chance(40) { format!(",tag={}", 10 + 10 * random.below(9)) } else { String::new() };
        let firewall = if random.chance(50) { ",firewall=1" } else { "" };
        let keys = json!({
            "boot": format!("order={}", self.boot_disk().map_or("scsi0", |disk| disk.key)),
            "cpu": random.pick(&["host", "x86-64-v2-AES", "x86-64-v3"]),
            "memory": self.memory.to_string(),
            "meta": format!("creation-qemu=10.1.2,ctime={}", 1_767_225_600 - random.below(1 << 26)),
            "name": self.name,
            "net0": format!("virtio={},bridge=vmbr0{firewall}{tag}", self.mac()),
            "numa": 0,
            "ostype": "l26",
            "scsihw": "virtio-scsi-single",
            "smbios1": format!("uuid={}", random.uuid()),
            "sockets": 1,
            "vmgenid": random.uuid(),
        });
        let Value::Object(mut keys) = keys else { return Map::new() };
        let mut set = |key: &str, value: &str| drop(keys.insert(key.to_owned(), json!(value)));
        if self.agent {
            set("agent", random.pick(&["1", "enabled=1,fstrim_cloned_disks=1"]));
        }
        if self.has_efi() {
            set("bios", "ovmf");
            set("machine", "q35");
        }
        if self.disks.iter().any(|disk| disk.key == "ide2") {
            set("ciuser", "admin");
            set("ipconfig0", &format!("ip={}/8,gw=10.0.0.1", self.address()));
            set("nameserver", "10.0.0.53");
        }
        if random.chance(20) {
            set("startup", &format!("order={}", 1 + random.below(9)));
        }
        keys
    }

    fn container_keys(&self, random: &mut Random) -> Map<String, Value> {
        let network = if random.chance(50) { "ip=dhcp".to_owned() } else { format!("ip={}/8", self.address()) };
        let keys = json!({
            "arch": "amd64",
            "features": "nesting=1",
            "hostname": self.name,
            "memory": self.memory,
            "net0": format!("name=eth0,bridge=vmbr0,firewall=1,hwaddr={},{network},type=veth", self.mac()),
            "ostype": random.pick(&["alpine", "debian", "debian", "ubuntu"]),
            "swap": 512,
            "unprivileged": 1,
        });
        if let Value::Object(keys) = keys { keys } else { Map::new() }
    }

    fn make_disks(&self, random: &mut Random) -> Vec<Disk> {
        let gibibytes = |random: &mut Random, sizes: &[u64]| random.pick(sizes) * GIBIBYTE;
        let mut disks = Vec::new();
        let mut add = |key, storage, bytes, options| {
            let name = self.volume_name(&disks, key, storage);
            disks.push(Disk { key, storage, name, bytes, options });
        };
        if self.technology == GuestType::Lxc {
            add("rootfs", random.pick(&["local-lvm", "local-lvm", "tank"]), gibibytes(random, &[2, 4, 8, 8, 16]), "");
            if random.chance(20) {
                add("mp0", "tank", gibibytes(random, &[32, 64, 100]), ",mp=/data,backup=1");
            }
            return disks;
        }
        if random.chance(25) {
            add("efidisk0", "local-lvm", 4 * MEBIBYTE, ",efitype=4m,pre-enrolled-keys=1");
        }
        let storage = random.pick(&["local-lvm", "local-lvm", "local-lvm", "nas", "tank"]);
        let options = random.pick(&["", ",discard=on,ssd=1", ",discard=on,iothread=1,ssd=1"]);
        add("scsi0", storage, gibibytes(random, &[8, 16, 20, 32, 32, 64]), options);
        if random.chance(30) {
            add("scsi1", random.pick(&["local-lvm", "tank"]), gibibytes(random, &[50, 100, 200, 500]), ",discard=on");
        }
        if self.state == GuestState::Template || random.chance(35) {
            add("ide2", "local-lvm", 4 * MEBIBYTE, ",media=cdrom");
        }
        disks
    }

    /// The name that Proxmox gives the guest's next volume on a storage.
    fn volume_name(&self, disks: &[Disk], key: &str, storage: &str) -> String {
        let (vmid, template) = (self.vmid, self.state == GuestState::Template);
        let number = disks.iter().filter(|disk| disk.storage == storage).count();
        match (key, storage) {
            ("ide2", _) => format!("vm-{vmid}-cloudinit"),
            ("rootfs" | "mp0", "tank") if template => format!("basevol-{vmid}-disk-{number}"),
            ("rootfs" | "mp0", "tank") => format!("subvol-{vmid}-disk-{number}"),
            _ => {
                let word = if template { "base" } else { "vm" };
                let name = format!("{word}-{vmid}-disk-{number}");
                if storage == "nas" { format!("{vmid}/{name}.qcow2") } else { name }
            }
        }
    }

    fn has_efi(&self) -> bool {
        self.disks.iter().any(|disk| disk.key == "efidisk0")
    }

    fn boot_disk(&self) -> Option<&Disk> {
        self.disks.iter().find(|disk| matches!(disk.key, "scsi0" | "rootfs"))
    }

    fn mac(&self) -> String {
        let [_, a, b, c] = self.vmid.to_be_bytes();
        format!("BC:24:11:{a:02X}:{b:02X}:{c:02X}")
    }

    fn address(&self) -> String {
        let [_, a, b, c] = self.vmid.to_be_bytes();
        format!("10.{a}.{b}.{c}")
    }
}

impl Disk {
    /// The value of its key: `local-lvm:vm-100-disk-0,discard=on,size=32G`.
    fn value(&self) -> String {
        let size = if self.bytes >= GIBIBYTE {
            format!("{}G", self.bytes / GIBIBYTE)
        } else {
            format!("{}M", self.bytes / MEBIBYTE)
        };
        format!("{}:{}{},size={size}", self.storage, self.name, self.options)
    }
}

/// Tags as Proxmox joins them, sorted and without repetition; often none.
fn tags(random: &mut Random, role: &str) -> String {
    if random.chance(40) {
        return String::new();
    }
    let mut tags = [role, random.pick(&["dev", "prod", "staging"])];
    tags.sort_unstable();
    tags.join(";")
}
