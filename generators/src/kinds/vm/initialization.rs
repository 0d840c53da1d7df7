//! Cloud-init of a virtual machine: the drive and its content.

use proxmox_mpc_model::kinds::matches;

use crate::bpg;
use crate::draft::{Draft, Obstacle, PropertyOptions, RowResult, Variable, VariableDefault};
use crate::hcl::{Block, Value};

use crate::kinds::guest::{self, command};
use crate::kinds::references;

use super::volumes::cloud_init;

/// Writes the block, which is in the state if there is a cloud-init drive or any cloud-init key (docs/provider.md, V3).
pub(super) fn initialization(draft: &mut Draft<'_>) -> RowResult {
    let drives = drives(draft);
    readable(draft)?;
    if drives.is_empty() {
        without_drive(draft);
        return Ok(());
    }
    let mut block = Block::new("initialization");
    block.set("datastore_id", references::storage(draft, &drives[0].1));
    block.set_some("interface", Some(drives[0].0.as_str()).filter(|interface| bpg::cloud_init_interface(interface)));
    files(draft, &mut block);
    kind_and_upgrade(draft, &mut block);
    block.add_some_block(guest::dns(draft));
    addresses(draft, &mut block);
    account(draft, &mut block);
    if drives.len() > 1 {
        draft.ignore(&["initialization"], "there are two cloud-init drives, and the provider reads either of them");
        let arguments =
            format!("--delete {}  # where the guest needs but one; what is in it, Proxmox makes anew", drives[1].0);
        let remedy = command(draft, &arguments);
        draft.remark("it has two cloud-init drives, of which the provider reads either", Some(remedy));
    } else {
        draft.add_block(block);
    }
    Ok(())
}

/// Checks that the provider can read the SSH keys, even if the block is ignored.
fn readable(draft: &Draft<'_>) -> RowResult {
    match draft.object.text("sshkeys") {
        Some(keys) if unescaped(&keys).is_none() => {
            let obstacle = Obstacle::new("the provider cannot read `sshkeys`: its escapes are broken");
            Err(obstacle.remedy(command(draft, "--sshkeys FILE  # the public keys, one on each line")).into())
        }
        _ => Ok(()),
    }
}

/// Handles cloud-init keys of a machine without a cloud-init drive. The block would give a new machine a drive without a storage,
/// which Proxmox refuses.
fn without_drive(draft: &mut Draft<'_>) {
    let is_cloud_init = |key: &String| KEYS.iter().any(|known| matches(known, key));
    let keys: Vec<String> = draft.object.keys.keys().filter(|key| is_cloud_init(key)).cloned().collect();
    if !keys.is_empty() {
        draft.ignore(&["initialization"], "there is no cloud-init drive, and the block would give a new machine one");
    }
    for key in keys {
        if key == "ciupgrade" && draft.flag(&key) {
            draft.set_default(&key);
        } else {
            draft.not_in_provider(
                &key,
                "there is no cloud-init drive, and the provider's block would give a new machine one (provider rule V3)",
            );
        }
    }
}

/// Keys that the block has.
const KEYS: [&str; 9] =
    ["ciuser", "cipassword", "sshkeys", "nameserver", "searchdomain", "cicustom", "citype", "ciupgrade", "ipconfig[n]"];

/// Interfaces and storages of the guest's cloud-init drives; there should be one.
fn drives(draft: &Draft<'_>) -> Vec<(String, String)> {
    let mut drives = Vec::new();
    for (key, value) in &draft.object.keys {
        let drive = ["ide[n]", "sata[n]", "scsi[n]", "virtio[n]"].iter().any(|pattern| matches(pattern, key));
        let Some(text) = value.as_str().filter(|_| drive) else { continue };
        let file = PropertyOptions::new(key, text).take_or_first("file").unwrap_or_default();
        if cloud_init(draft, &file) {
            drives.push((key.clone(), file.split(':').next().unwrap_or_default().to_owned()));
        }
    }
    drives
}

/// Writes the snippets that replace Proxmox's own cloud-init data (`cicustom`).
fn files(draft: &mut Draft<'_>, block: &mut Block) {
    let Some(mut options) = draft.options("cicustom") else { return };
    let parts = [
        ("user", "user_data_file_id"),
        ("vendor", "vendor_data_file_id"),
        ("network", "network_data_file_id"),
        ("meta", "meta_data_file_id"),
    ];
    for (part, attribute) in parts {
        match options.take(part) {
            None => {}
            Some(file) if bpg::file_id(&file) => block.set(attribute, references::volume(draft, &file)),
            Some(_) => {
                draft.not_in_provider(
                    &format!("cicustom.{part}"),
                    "the provider refuses the name of the file; left out, it stays",
                );
            }
        }
    }
    draft.explain_remaining(&options, &[]);
}

fn kind_and_upgrade(draft: &mut Draft<'_>, block: &mut Block) {
    match draft.text("citype").as_deref() {
        None => {}
        Some(kind @ ("configdrive2" | "nocloud")) => block.set("type", kind),
        Some(_) => draft.not_in_provider("citype", "the provider does not know this kind of drive; left out, it stays"),
    }
    if draft.flag("ciupgrade") {
        draft.set_default("ciupgrade");
    } else {
        block.set("upgrade", false);
    }
}

/// Maximum number of address blocks for the provider; Proxmox allows 32.
const MOST: u32 = 8;

/// Writes a block for each `ipconfigN` up to the last, by position. A gap is an empty block.
fn addresses(draft: &mut Draft<'_>, block: &mut Block) {
    let configurations = draft.family("ipconfig");
    let Some(last) = configurations.keys().next_back().copied() else { return };
    if last >= MOST {
        for index in configurations.keys() {
            draft.not_in_provider(
                &format!("ipconfig{index}"),
                format!("the provider takes {MOST} address blocks, and there are more"),
            );
        }
        draft.ignore(
            &["initialization[0].ip_config"],
            format!("the provider takes {MOST} of them, gaps included; left out, all stay"),
        );
        return;
    }
    for index in 0..=last {
        let mut options =
            configurations.get(&index).map(|text| PropertyOptions::new(&format!("ipconfig{index}"), text));
        let address = options.as_mut().map_or_else(|| Block::new("ip_config"), guest::ip_config);
        if let Some(options) = &options {
            draft.explain_remaining(options, &[]);
        }
        block.add_block(address);
    }
}

/// Writes the user. The password is never read back, and its value shows no difference: a variable has it for when the guest is
/// created again.
fn account(draft: &mut Draft<'_>, block: &mut Block) {
    let (user, password, keys) = (draft.text("ciuser"), draft.take("cipassword"), draft.text("sshkeys"));
    if user.is_none() && password.is_none() && keys.is_none() {
        return;
    }
    let mut account = Block::new("user_account");
    account.set_some("username", user);
    if password.is_some() {
        let name = format!("{}_cloud_init_password", draft.label());
        let description = format!("Cloud-init password of {}; needed only to create the guest anew", draft.title());
        let value = draft.variable(name, Variable { description, default: VariableDefault::Null, sensitive: true });
        account.set("password", value);
    }
    if let Some(keys) = keys {
        let lines = unescaped(&keys).unwrap_or_default();
        let lines = lines.trim();
        // Only the line feed separates: a carriage return belongs to the key, as the provider reads it.
        let lines: Vec<Value> = lines.split('\n').map(Value::from).collect();
        if !keys.is_empty() {
            account.set("keys", Value::List(lines));
        }
    }
    block.add_block(account);
}

/// Decodes URL escapes as the provider does: `+` is a blank, and a broken escape is an error.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `url.QueryUnescape`, by which the provider reads `sshkeys`.
    #[test]
    fn keys_are_unescaped_as_the_provider_does() {
        assert_eq!(unescaped("ssh-rsa%20AAA%2BTwo%3D%3D%0A").as_deref(), Some("ssh-rsa AAA+Two==\n"));
        assert_eq!(unescaped("a+b").as_deref(), Some("a b"));
        assert_eq!(unescaped("a%2"), None);
        assert_eq!(unescaped("a%zz"), None);
    }
}
