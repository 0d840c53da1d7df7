//! Reader of guest configurations: `key: value` lines, notes in `#` lines, then sections for pending changes and
//! snapshots.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::formats;
use super::sheet::{Row, Sheet};
use super::words::{bytes, decoded, is_digits, is_dns_name, lines};
use crate::boolean;
use crate::guest::GuestType;
use crate::kinds::{Form, KINDS, Key};

/// Configuration of a guest as its file has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Configuration {
    /// The configuration in force.
    pub(super) current: Row,
    /// The pending values, which wait for the next start.
    pub(super) pending: Row,
    /// The keys that are removed at the next start; true where the removal is forced.
    pub(super) removed: BTreeMap<String, bool>,
    /// The snapshots by name.
    pub(super) snapshots: BTreeMap<String, Row>,
    /// The first line of tags, unchanged.
    pub(super) tags: Option<String>,
}

/// Part of the configuration that a line belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Current,
    Pending,
    Snapshot(String),
    /// The state of a cloud-init drive, and unknown sections.
    Nowhere,
}

/// Reads a configuration (`PVE::QemuServer::parse_vm_config`, `PVE::LXC::Config::parse_pct_config`).
pub(super) fn parse(file: &str, text: &str, guest_type: GuestType, sheet: &mut Sheet) -> Configuration {
    let mut configuration = Configuration::default();
    let (mut place, mut notes) = (Part::Current, None);
    for (number, line) in lines(text).filter(|(_, line)| !line.trim().is_empty()) {
        if let Some(section) = section(line, guest_type) {
            finish(&mut configuration, &place, notes.take(), guest_type);
            if let Part::Snapshot(name) = &section {
                configuration.snapshots.insert(name.clone(), Row::new());
            }
            if section == Part::Nowhere && !line.starts_with("[special:") {
                sheet.warn(file, number, "the section is skipped");
            }
            place = section;
            continue;
        }
        if place == Part::Nowhere {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            let notes = notes.get_or_insert_with(String::new);
            notes.push_str(&decoded(comment));
            notes.push('\n');
            continue;
        }
        let Some((key, value)) = pair(line, guest_type) else {
            sheet.warn(file, number, "ignored, since it is not a `key: value` line");
            continue;
        };
        match key {
            "description" => notes.get_or_insert_with(String::new).push_str(&decoded(value.trim())),
            "delete" if place == Part::Pending => configuration.removed = removals(value),
            "delete" => sheet.warn(file, number, "`delete` belongs into the section of pending changes"),
            "snapstate" if place == Part::Current => {}
            _ => {
                if key == "tags" && place == Part::Current {
                    configuration.tags.get_or_insert_with(|| value.to_owned());
                }
                if let Err(why) = add(target(&mut configuration, &place), key, value, guest_type) {
                    sheet.warn(file, number, why);
                }
            }
        }
    }
    finish(&mut configuration, &place, notes, guest_type);
    configuration
}

/// The section that a line begins.
fn section(line: &str, guest_type: GuestType) -> Option<Part> {
    let name = line.trim_end().strip_prefix('[')?.strip_suffix(']')?;
    let (pending, is_vm) = match guest_type {
        GuestType::Qemu => ("PENDING", true),
        GuestType::Lxc => ("pve:pending", false),
    };
    if name.eq_ignore_ascii_case(pending) {
        return Some(Part::Pending);
    }
    let is_name = name.len() > 1
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if is_name {
        return Some(Part::Snapshot(name.to_owned()));
    }
    // A container's lines below such a header still belong to the section before.
    is_vm.then_some(Part::Nowhere)
}

/// The key and the value of a line. A value of blanks alone is one blank (docs/proxmox.md, "Files").
fn pair(line: &str, guest_type: GuestType) -> Option<(&str, &str)> {
    if guest_type == GuestType::Lxc && line.starts_with("lxc.") {
        let end = line.find([':', '=', ' ', '\t'])?;
        let value = line[end..].trim_start();
        let value = value.strip_prefix(':').or_else(|| value.strip_prefix('='))?;
        return Some((&line[..end], value.trim()));
    }
    let (key, value) = line.split_once(':')?;
    let stem = key.trim_end_matches(|last: char| last.is_ascii_digit());
    let dash = |byte: u8| byte == b'_' || (byte == b'-' && guest_type == GuestType::Qemu);
    let fits = stem.starts_with(|first: char| first.is_ascii_lowercase())
        && stem.bytes().all(|byte| byte.is_ascii_lowercase() || dash(byte));
    // The name of a family could have digits before its index, but none does.
    (fits && !value.is_empty()).then(|| (key, if value.trim().is_empty() { " " } else { value.trim() }))
}

fn target<'c>(configuration: &'c mut Configuration, place: &Part) -> &'c mut Row {
    match place {
        Part::Current | Part::Nowhere => &mut configuration.current,
        Part::Pending => &mut configuration.pending,
        Part::Snapshot(name) => configuration.snapshots.entry(name.clone()).or_default(),
    }
}

/// Adds the notes. Notes of a virtual machine lose the white space at their end; those of a container keep it, and
/// empty notes count as absent.
fn finish(configuration: &mut Configuration, place: &Part, notes: Option<String>, guest_type: GuestType) {
    let Some(mut notes) = notes else { return };
    if guest_type == GuestType::Qemu {
        notes.truncate(notes.trim_end().len());
    } else if notes.is_empty() {
        return;
    }
    if *place != Part::Nowhere {
        target(configuration, place).insert("description".to_owned(), json!(notes));
    }
}

/// The keys of a `delete` line such as `swap,!keyboard`; the mark means that the removal is forced.
fn removals(value: &str) -> BTreeMap<String, bool> {
    let item = |item: &str| (item.trim_start_matches('!').to_owned(), item.starts_with('!'));
    crate::list::items(value).map(item).collect()
}

fn add(row: &mut Row, key: &str, value: &str, guest_type: GuestType) -> Result<(), String> {
    if guest_type == GuestType::Lxc && key == "lxc.environment.runtime" {
        let known = row.get("env").and_then(Value::as_str).map(|known| format!("{known}\0")).unwrap_or_default();
        row.insert("env".to_owned(), json!(known + &bytes(value)));
        return Ok(());
    }
    if guest_type == GuestType::Lxc && key.starts_with("lxc.") {
        if !is_raw_key(key) {
            return Err(format!("`{key}` is not taken"));
        }
        let raw = row.entry("lxc").or_insert_with(|| json!([]));
        if let Some(raw) = raw.as_array_mut() {
            raw.push(json!([key, bytes(value)]));
        }
        return Ok(());
    }
    let known = known(guest_type, key);
    if guest_type == GuestType::Qemu {
        formats::check(key, value).map_err(|why| format!("the value of `{key}` cannot be read: {why}"))?;
    }
    match known.ok_or_else(|| format!("key `{key}` is not known here")).and_then(|known| typed(known, key, value)) {
        Ok(value) => {
            row.insert(if key == "cdrom" { "ide2" } else { key }.to_owned(), value);
            Ok(())
        }
        Err(why) => {
            // A container keeps unknown lines, a virtual machine drops them.
            if guest_type == GuestType::Lxc {
                row.insert(key.to_owned(), json!(bytes(value)));
            }
            Err(why)
        }
    }
}

fn known(guest_type: GuestType, key: &str) -> Option<&'static Key> {
    let kind = KINDS.iter().find(|kind| kind.prefix == guest_type.word())?;
    // Neither stands in the file: one is the file's checksum, the other holds the raw keys.
    kind.key(key).filter(|known| !matches!(known.name, "digest" | "lxc"))
}

/// The value in its JSON type.
///
/// # Errors
///
/// The reason why the line is left out.
fn typed(known: &Key, key: &str, value: &str) -> Result<Value, String> {
    let wrong = |what: &str| Err(format!("the value of `{key}` is not a {what}"));
    match known.form {
        Form::Boolean => match boolean::parse(value) {
            Some(flag) => Ok(json!(u8::from(flag))),
            None => wrong("switch"),
        },
        Form::Integer => match value.parse::<u64>() {
            Ok(number) if is_digits(value) => Ok(json!(number)),
            _ => wrong("number"),
        },
        Form::Number => {
            let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
            if is_digits(whole) && is_digits(fraction) { Ok(json!(value)) } else { wrong("number") }
        }
        Form::Text if matches!(key, "name" | "hostname") && !is_dns_name(value) => wrong("DNS name"),
        Form::Text if UNQUOTED.contains(&key) => {
            let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            Ok(json!(bytes(inner.unwrap_or(value))))
        }
        _ => Ok(json!(bytes(value))),
    }
}

/// Keys of a virtual machine without a format, whose values lose the quotes around them.
const UNQUOTED: &[&str] = &["ciuser", "searchdomain", "keyboard", "ostype", "bios", "scsihw", "vmgenid", "startdate"];

/// Reports whether a container accepts this raw key (`PVE::LXC::Config::is_valid_lxc_conf_key`).
fn is_raw_key(key: &str) -> bool {
    const FAMILIES: &str = "limit cgroup cgroup2 prlimit net";
    const KEYS: &str = "apparmor.profile apparmor.allow_incomplete apparmor.allow_nesting apparmor.raw selinux.context \
        include arch uts.name signal.halt signal.reboot signal.stop init.cmd init.cwd init.uid init.gid init.groups pty.max \
        console.logfile console.path tty.max devtty.dir hook.autodev autodev kmsg mount.fstab mount.entry mount.auto \
        rootfs.mount cap.drop cap.keep seccomp.profile seccomp.notify.proxy seccomp.notify.cookie idmap hook.pre-start \
        hook.pre-mount hook.mount hook.start hook.stop hook.post-stop hook.clone hook.destroy hook.version log.level \
        log.file start.auto start.delay start.order group environment environment.hooks sysctl.fs.mqueue \
        sysctl.kernel.msgmax sysctl.kernel.msgmnb sysctl.kernel.msgmni sysctl.kernel.sem sysctl.kernel.shmall \
        sysctl.kernel.shmmax sysctl.kernel.shmmni sysctl.kernel.shm_rmid_forced";
    /// Keys of releases before LXC 3.
    const OLD_KEYS: &str = "aa_profile aa_allow_incomplete console devttydir haltsignal rebootsignal stopsignal id_map \
        init_cmd loglevel logfile mount network.type network.flags network.link network.mtu network.name network.hwaddr \
        network.ipv4 network.ipv4.gateway network.ipv6 network.ipv6.gateway network.script.up network.script.down pts \
        se_context seccomp tty utsname";
    let Some(key) = key.strip_prefix("lxc.") else { return false };
    let is_one_of = |words: &str, word: &str| words.split_ascii_whitespace().any(|known| known == word);
    let is_family = key.split_once('.').is_some_and(|(family, _)| is_one_of(FAMILIES, family));
    is_family || is_one_of(KEYS, key) || is_one_of(OLD_KEYS, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(guest_type: GuestType, text: &str) -> (Configuration, usize) {
        let mut sheet = Sheet::default();
        (parse("1.conf", text, guest_type, &mut sheet), sheet.warnings.len())
    }

    #[test]
    fn lines_of_a_virtual_machine() {
        let check = |text: &str, expected: Value, warnings: usize| {
            let (configuration, warned) = read(GuestType::Qemu, text);
            assert_eq!((Value::Object(configuration.current), warned), (expected, warnings), "{text:?}");
        };
        check("", json!({}), 0);
        check("memory: 512\r\ncores:\t2\r\n", json!({"memory": "512", "cores": 2}), 0);
        check("onboot: yes\nkvm: 2\nballoon: 1.5\ncpulimit: 1.5\n", json!({"onboot": 1, "cpulimit": "1.5"}), 2);
        check("cpulimit: .5\nsockets: -1\n", json!({}), 2);
        check("tags: \nboot:  \nargs:\n", json!({"tags": " ", "boot": " "}), 1);
        check("cores: 1\ncores: 2\n", json!({"cores": 2}), 0);
        check("name: foo_bar\nname2: x\ncolour: red\nNAME: x\n cores: 1\n", json!({}), 5);
        check("#a%3A\n#\ncores: 1\n# b \n", json!({"description": "a:\n\n b", "cores": 1}), 0);
        check("#\n", json!({"description": ""}), 0);
        check("description: a%0Ab\n", json!({"description": "a\nb"}), 0);
        check("net0: bridge=vmbr0\nnet1: virtio\n", json!({"net1": "virtio"}), 1);
        check("cdrom: none\n", json!({"ide2": "none"}), 0);
        check("ciuser: \"a\"\n", json!({"ciuser": "a"}), 0);
        check("lock: backup\ndelete: x\nsnapstate: prepare\n", json!({"lock": "backup"}), 1);
        check("searchdomain: ü\n", json!({"searchdomain": "Ã¼"}), 0);
        check("cores: 1\n[special:cloudinit]\ncores: 2\n[a.b]\ncores: 3\n", json!({"cores": 1}), 1);
        check("lxc.idmap: x\n", json!({}), 1);
    }

    #[test]
    fn lines_of_a_container() {
        let check = |text: &str, expected: Value, warnings: usize| {
            let (configuration, warned) = read(GuestType::Lxc, text);
            assert_eq!((Value::Object(configuration.current), warned), (expected, warnings), "{text:?}");
        };
        check("memory: 512\nhostname: a\n", json!({"memory": 512, "hostname": "a"}), 0);
        // Unknown lines are kept as they are.
        check(
            "memory: lots\nhostname: my_ct\ncolour: red\n",
            json!({"memory": "lots", "hostname": "my_ct", "colour": "red"}),
            3,
        );
        check(
            "lxc.idmap: u 0 1 2\nlxc.idmap = g 0 1 2\n",
            json!({"lxc": [["lxc.idmap", "u 0 1 2"], ["lxc.idmap", "g 0 1 2"]]}),
            0,
        );
        check("lxc.environment.runtime: A=1\nlxc.environment.runtime: B=2\n", json!({"env": "A=1\0B=2"}), 0);
        check("lxc.rootfs.path: /x\nlxc.nonsense: 1\n", json!({}), 2);
        check("#a\n\n", json!({"description": "a\n"}), 0);
        check("#\n", json!({"description": "\n"}), 0);
        check("env: \n", json!({"env": " "}), 0);
        check("[a.b]\ncores: 3\n", json!({"cores": 3}), 1);
    }

    #[test]
    fn sections_are_distinguished() {
        let (configuration, warned) = read(
            GuestType::Qemu,
            "cores: 1\n[pending]\ncores: 2\ndelete: vga,!net0\n#why\n[s1]\n#snap\ncores: 3\n[s-2]\n[x y]\ncores: 4\n",
        );
        assert_eq!(warned, 1);
        assert_eq!(Value::Object(configuration.pending), json!({"cores": 2, "description": "why"}));
        assert_eq!(configuration.removed, BTreeMap::from([("net0".to_owned(), true), ("vga".to_owned(), false)]));
        let snapshots: Vec<(String, Value)> =
            configuration.snapshots.into_iter().map(|(name, row)| (name, Value::Object(row))).collect();
        let expected = [("s-2".to_owned(), json!({})), ("s1".to_owned(), json!({"cores": 3, "description": "snap"}))];
        assert_eq!(snapshots, expected);
        let (configuration, _) = read(GuestType::Lxc, "swap: 1\n[pve:pending]\ndelete: swap\n[s1]\nswap: 2\n");
        assert_eq!(configuration.removed.len(), 1);
        assert_eq!(configuration.snapshots["s1"]["swap"], json!(2));
    }
}
