//! Checks of a new virtual machine and of a changed one before anything is made, in the order of `qemu-server`
//! (`create_vm`, `update_vm_api`).

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::drive::Drive;
use proxmox_mpc_model::property::Properties;
use proxmox_mpc_model::volume::{Volume, VolumeId};
use proxmox_mpc_model::volume_name;
use serde_json::json;

use super::drives;
use super::guest::{Guest, unlocked};
use super::keys::{is_numbered, word};
use super::ssh_keys;
use super::stored_configuration::{StoredConfiguration, same_version};
use super::volumes::Storage;
use crate::call::{BOOT_ORDER, CONFIG, Call, ROOT_ONLY, Refusal};
use crate::rights::MachineRights;
use crate::rights::Rights;
use crate::state::{Row, Transaction};

/// Parameters that are no keys of the configuration.
const NOT_KEPT: [&str; 8] =
    ["background_delay", "delete", "digest", "force", "import-working-storage", "revert", "skiplock", "vmid"];
/// Keys that Proxmox writes itself: they are not parameters, but known options.
const ITS_OWN: [&str; 8] =
    ["cdrom", "meta", "parent", "running-nets-host-mtu", "runningcpu", "runningmachine", "snaptime", "vmstate"];

/// The keys of the configuration that a change gives.
pub(super) fn given(call: &Call) -> Row {
    let mut given = call.given();
    given.retain(|key, _| !NOT_KEPT.contains(&key.as_str()));
    named_cdrom(&mut given);
    given
}

/// Renames `cdrom`, which is another word for `ide2`.
pub(super) fn named_cdrom(given: &mut Row) {
    let Some(text) = given.remove("cdrom").and_then(|value| value.as_str().map(str::to_owned)) else { return };
    let media = if text.contains("media=") { "" } else { ",media=cdrom" };
    given.insert("ide2".to_owned(), json!(format!("{text}{media}")));
}

/// Refuses a pool that is not there.
pub(super) fn pool(transaction: &Transaction, pool: Option<&str>) -> Result<(), Refusal> {
    let Some(pool) = pool else { return Ok(()) };
    if transaction.row(&ApiPath::parse("pools"), "poolid", pool)?.is_some() {
        return Ok(());
    }
    let text = format!("Permission check failed (pool '{pool}' does not exist)");
    Err(Refusal::Message { status: 403, text })
}

/// Refuses a new virtual machine.
pub(super) fn new_machine(transaction: &Transaction, call: &Call, given: &Row) -> Result<(), Refusal> {
    let pool = call.text("pool");
    // The order of `create_vm`: what the parameters alone show, the pool, then the rights, storages before options. That
    // the number is taken comes after all of these.
    if let Some(keys) = word(given, "sshkeys") {
        ssh_keys::check(&keys)?;
    }
    self::pool(transaction, pool.as_deref())?;
    let rights = Rights::of_call(transaction, call)?;
    let machine = MachineRights::new(rights.as_ref(), transaction, call, pool);
    machine.storages(given)?;
    storages(transaction, given)?;
    machine.options(given.keys())?;
    for family in ["serial", "usb", "hostpci", "rng", "virtiofs"] {
        for (key, value) in given.iter().filter(|(key, _)| is_numbered(key, family)) {
            machine.device(key, value.as_str().unwrap_or_default())?;
        }
    }
    machine.bridges(given)?;
    machine.cpu(&word(given, "cpu").unwrap_or_default(), "")?;
    drives(transaction, given)
}

/// Checks a change of a virtual machine, and returns its configuration.
pub(super) fn change(transaction: &Transaction, call: &Call, guest: &Guest) -> Result<StoredConfiguration, Refusal> {
    let (given, taken) = (given(call), call.list("delete"));
    parameters(transaction, call, guest, &given, &taken)?;
    let rights = Rights::of_call(transaction, call)?;
    let machine = MachineRights::new(rights.as_ref(), transaction, call, None);
    // Rights come before the configuration is read: a login without them does not learn of a lock or a digest.
    machine.options(&taken)?;
    machine.options(given.keys())?;
    machine.storages(&given)?;
    storages(transaction, &given)?;
    machine.bridges(&given)?;
    let stored = StoredConfiguration::read(transaction, guest)?;
    // The version before the lock: `put_bad_digest` and `locked_put` are recorded apart, the order is `qemu-server`'s.
    same_version(call, &stored)?;
    let held = |key: &str| word(&stored.keys, key).unwrap_or_default();
    machine.cpu(&word(&given, "cpu").unwrap_or_default(), &held("cpu"))?;
    if !call.flag("skiplock") {
        unlocked(guest, &stored.keys)?;
    }
    balloon(&given, &stored)?;
    Ok(stored)
}

/// Refusal of a change that is made key by key, and the keys that Proxmox may have written before it.
pub(super) struct PartialRefusal {
    /// The refusal in Proxmox's words.
    pub(super) refusal: Refusal,
    /// The keys that are taken away already.
    pub(super) taken: Vec<String>,
    /// The keys that may be set already: Proxmox goes through them in any order. None where it did not get that far.
    pub(super) given: Row,
}

/// Checks that Proxmox does while it writes: it takes keys away in their order and then sets the others, each as
/// pending, and stops at the first that it refuses.
pub(super) fn in_turn(
    transaction: &Transaction,
    call: &Call,
    stored: &StoredConfiguration,
) -> Result<Result<(), Box<PartialRefusal>>, Refusal> {
    let (mut given, taken) = (given(call), call.list("delete"));
    let rights = Rights::of_call(transaction, call)?;
    let machine = MachineRights::new(rights.as_ref(), transaction, call, None);
    let held = |key: &str| word(&stored.keys, key).unwrap_or_default();
    for (index, key) in taken.iter().enumerate() {
        if let Err(refusal) = taking(&machine, key, &held(key)) {
            let taken = taken[..index].to_vec();
            return Ok(Err(Box::new(PartialRefusal { refusal, taken, given: Row::new() })));
        }
    }
    let mut refused: Option<Refusal> = None;
    let order = boot_order(&given, &taken, stored);
    given.retain(|key, value| {
        let looked_at = if key == "boot" && order.is_err() {
            boot_order(&Row::from_iter([(key.clone(), value.clone())]), &taken, stored)
        } else {
            giving(&machine, key, (&held(key), value.as_str().unwrap_or_default()))
        };
        let taken = looked_at.is_ok();
        refused = refused.take().or(looked_at.err());
        taken
    });
    Ok(match refused.or(order.err()) {
        Some(refusal) => Err(Box::new(PartialRefusal { refusal, taken, given })),
        None => Ok(()),
    })
}

/// Refuses parameters that are wrong for every virtual machine.
fn parameters(
    transaction: &Transaction,
    call: &Call,
    guest: &Guest,
    given: &Row,
    taken: &[String],
) -> Result<(), Refusal> {
    // Before anything of the virtual machine: recorded of one that is locked (`locked_put_skiplock_token`).
    if call.flag("skiplock") && !call.login.is_root() {
        return Err(Refusal::parameter("skiplock", "Only root may use this option."));
    }
    if let Some(keys) = word(given, "sshkeys") {
        ssh_keys::check(&keys)?;
    }
    // A digest alone is no change (recorded: `put_digest=abc`), and neither is a JSON null.
    let mut names = call.parameters.keys().map(String::as_str);
    let changes = names.any(|name| !NOT_KEPT.contains(&name) && !call.captured.contains(&name));
    let reverted = call.list("revert");
    if !changes && taken.is_empty() && reverted.is_empty() {
        return Err(Refusal::failed("no options specified"));
    }
    Lists { call, given, taken, reverted: &reverted }.check()?;
    drives(transaction, given)?;
    word(given, "hookscript").map_or(Ok(()), |script| hook_script(transaction, guest, &script))
}

/// The keys of a change: those that it sets, those that it deletes, and those whose pending changes it reverts.
struct Lists<'a> {
    call: &'a Call,
    given: &'a Row,
    taken: &'a [String],
    reverted: &'a [String],
}

/// A check of one key: when it fails, the parameter that is refused, and the message.
type KeyCheck = (fn(&Lists<'_>, &str) -> bool, &'static str, fn(&str) -> String);

/// Checks of each key in `revert`. For a key that is set as well, Proxmox names the parameter `delete` all the same.
const REVERTED: [KeyCheck; 2] = [
    (|lists, key| !lists.knows(key), "revert", |key| format!("unknown option '{key}'")),
    (
        |lists, key| lists.given.contains_key(key),
        "delete",
        |key| format!("you can't use '-{key}' and -revert {key}' at the same time"),
    ),
];

/// Checks of each key in `delete`, after those of `revert`. Here an unknown option comes last; both messages are recorded
/// (`put_set_and_delete_same`, `put_delete=foo`). The quotes that do not match are Proxmox's.
const DELETED: [KeyCheck; 3] = [
    (
        |lists, key| lists.given.contains_key(key),
        "delete",
        |key| format!("you can't use '-{key}' and -delete {key}' at the same time"),
    ),
    (
        |lists, key| lists.reverted.iter().any(|reverted| reverted == key),
        "revert",
        |key| format!("you can't use '-delete {key}' and -revert {key}' at the same time"),
    ),
    (|lists, key| !lists.knows(key), "delete", |key| format!("unknown option '{key}'")),
];

impl Lists<'_> {
    /// Refuses keys that are in two of the lists, and options that do not exist.
    fn check(&self) -> Result<(), Refusal> {
        self.each(self.reverted, &REVERTED)?;
        self.each(self.taken, &DELETED)
    }

    fn each(&self, keys: &[String], checks: &[KeyCheck]) -> Result<(), Refusal> {
        for key in keys {
            if let Some((_, parameter, message)) = checks.iter().find(|(fails, ..)| fails(self, key)) {
                return Err(Refusal::parameter(parameter, message(key)));
            }
        }
        Ok(())
    }

    fn knows(&self, key: &str) -> bool {
        ITS_OWN.contains(&key) || !NOT_KEPT.contains(&key) && self.call.method.parameter(key).is_some()
    }
}

/// Refuses drives whose options contradict each other (`check_drive_param`).
fn drives(transaction: &Transaction, given: &Row) -> Result<(), Refusal> {
    for (key, value) in given.iter().filter(|(key, _)| drives::is_disk(key) && !key.starts_with("unused")) {
        let drive = Drive::parse(value.as_str().unwrap_or_default());
        let properties = &drive.properties;
        if properties.get("import-from").is_some() {
            import(key, &drive)?;
        }
        match &drive.volume {
            Volume::Path(path) if !path.starts_with("/dev/") && !path.contains(':') => {
                let why = format!("unable to associate path '{path}' to any storage");
                return Err(Refusal::parameter(key, why));
            }
            Volume::Stored(volume) if !is_new(volume) => {
                let kind = kind(transaction, volume)?;
                if kind == "iso" && properties.get("media") != Some("cdrom") {
                    return Err(Refusal::parameter(key, "explicit 'media=cdrom' is required for iso images"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses an import in a drive's value.
fn import(key: &str, drive: &Drive) -> Result<(), Refusal> {
    if drive.stored().is_none_or(|volume| volume.name() != "0") {
        let why = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>";
        return Err(Refusal::parameter(key, why));
    }
    let required: &[&str] = match key {
        "efidisk0" => &["efitype", "pre-enrolled-keys"],
        "tpmstate0" => &["version"],
        _ => &[],
    };
    match required.iter().find(|name| drive.properties.get(name).is_none()) {
        Some(name) => Err(Refusal::parameter(key, format!("need to specify '{name}' when using 'import-from'"))),
        None => Ok(()),
    }
}

/// Refuses storages and volumes that cannot be what is asked of them (`check_storage_access`).
fn storages(transaction: &Transaction, given: &Row) -> Result<(), Refusal> {
    for (key, value) in given.iter().filter(|(key, _)| drives::is_disk(key)) {
        let drive = Drive::parse(value.as_str().unwrap_or_default());
        let storage = match &drive.volume {
            Volume::Stored(volume) if volume.name() == "cloudinit" || drive.is_cdrom() && is_new(volume) => {
                continue;
            }
            Volume::Stored(volume) if is_new(volume) => volume.storage(),
            Volume::Stored(volume) => {
                let kind = kind(transaction, volume)?;
                if kind != "images" && (kind != "iso" || key.starts_with("unused")) {
                    return Err(Refusal::parameter(key, "content type needs to be 'images' or 'iso'"));
                }
                continue;
            }
            _ => continue,
        };
        Storage::holding(transaction, storage, "images")?;
        if let Some(source) = drive.properties.get("import-from").and_then(VolumeId::parse) {
            let kind = kind(transaction, &source)?;
            if kind != "images" && kind != "import" {
                let why = format!("{source} has wrong type '{kind}' - needs to be 'images' or 'import'");
                return Err(Refusal::parameter(key, why));
            }
        }
    }
    Ok(())
}

/// Reports whether this is no volume but what makes one: `local-lvm:32`, `local:cloudinit`.
fn is_new(volume: &VolumeId) -> bool {
    volume.name() == "cloudinit" || volume.name().parse::<f64>().is_ok()
}

/// Type of the content of a volume.
fn kind(transaction: &Transaction, volume: &VolumeId) -> Result<&'static str, Refusal> {
    let storage = Storage::of(transaction, volume)?;
    volume_name::kind(&storage.kind(), volume.name()).map_err(Refusal::failed)
}

/// Refuses a hook script that is not a snippet, or does not exist (`check_hookscript`).
fn hook_script(transaction: &Transaction, guest: &Guest, script: &str) -> Result<(), Refusal> {
    let refused = |why: String| Refusal::parameter("hookscript", format!("{why}\n"));
    let Some(volume) = VolumeId::parse(script) else {
        return Err(refused(format!("unable to parse volume ID '{script}'")));
    };
    let kind = kind(transaction, &volume).map_err(|refusal| refused(refusal.text()))?;
    if kind != "snippets" {
        return Err(refused(format!("'{script}' is not in the snippets directory")));
    }
    match super::volumes::row(transaction, &guest.node, &volume)? {
        Some(_) => Ok(()),
        None => Err(refused(format!("script '{script}' does not exist"))),
    }
}

/// Refuses a balloon that is larger than the memory.
fn balloon(given: &Row, stored: &StoredConfiguration) -> Result<(), Refusal> {
    if !given.contains_key("memory") && !given.contains_key("balloon") {
        return Ok(());
    }
    let after = stored.after_start();
    let text = |key: &str| word(given, key).or_else(|| word(&after, key));
    let memory = text("memory").and_then(|text| Properties::parse(&text).get_or_bare("current")?.parse::<u64>().ok());
    let balloon = text("balloon").and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    if balloon > memory.unwrap_or(super::stored_configuration::DEFAULT_MEMORY) {
        return Err(Refusal::failed("balloon value too large (must be smaller than assigned memory)"));
    }
    Ok(())
}

/// Checks the rights that taking a key away needs.
fn taking(machine: &MachineRights<'_, Transaction>, key: &str, held: &str) -> Result<(), Refusal> {
    if held.is_empty() {
        return Ok(());
    }
    if drives::is_disk(key) {
        return machine.drive(held);
    }
    named_otherwise(machine.device(key, held), key, "delete")?;
    if is_numbered(key, "net") { machine.bridges(&Row::from_iter([(key.to_owned(), json!(held))])) } else { Ok(()) }
}

/// Checks the rights that setting a key over another value, or over none, needs.
fn giving(machine: &MachineRights<'_, Transaction>, key: &str, (held, value): (&str, &str)) -> Result<(), Refusal> {
    for text in [held, value].into_iter().filter(|text| !text.is_empty()) {
        if drives::is_disk(key) {
            machine.drive(text)?;
        }
        named_otherwise(machine.device(key, text), key, "modify")?;
    }
    let held = Row::from_iter([(key.to_owned(), json!(held))]);
    if is_numbered(key, "net") { machine.bridges(&held) } else { Ok(()) }
}

/// Puts the verb of the change into the refusal of a serial port of the node.
fn named_otherwise(outcome: Result<(), Refusal>, key: &str, verb: &str) -> Result<(), Refusal> {
    match outcome {
        Err(Refusal::Message { status: 500, .. }) if is_numbered(key, "serial") => {
            Err(Refusal::failed(format!("{ROOT_ONLY} {verb} '{key}' {CONFIG} for real devices")))
        }
        other => other,
    }
}

/// Refuses a boot order with a device that does not exist.
fn boot_order(given: &Row, taken: &[String], stored: &StoredConfiguration) -> Result<(), Refusal> {
    let Some(order) = word(given, "boot").and_then(|boot| Properties::parse(&boot).get("order").map(str::to_owned))
    else {
        return Ok(());
    };
    let after = stored.after_start();
    let there = |key: &str| {
        (after.contains_key(key) || stored.keys.contains_key(key) || given.contains_key(key))
            && !taken.iter().any(|taken| taken == key)
    };
    match proxmox_mpc_model::list::items(&order).find(|key| !there(key)) {
        // The quote at the end is Proxmox's.
        Some(key) => Err(Refusal::failed(format!("{BOOT_ORDER}: device '{key}' does not exist'"))),
        None => Ok(()),
    }
}
