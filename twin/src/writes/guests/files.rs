//! Files on storages: ISO images, container templates, images to import, and the notes of backups
//! (`PVE::API2::Storage::{Status,Content}`).

use proxmox_mpc_model::derived::{ASSUMED_SIZE, unresolved_host};
use proxmox_mpc_model::volume::VolumeId;
use proxmox_mpc_model::{ApiPath, Moment};
use serde_json::{Value, json};

use super::volumes;
use super::volumes::Storage;
use crate::call::{Call, Refusal};
use crate::state::Transaction;
use crate::state::tasks::TaskLog;

/// File that a call uploads or downloads.
struct StoredFile {
    storage: Storage,
    content: String,
    name: String,
    /// Path of the file on the node.
    path: String,
}

impl StoredFile {
    /// The file that a call names. `unsupported` refuses a type of content that the storage does not have, before or
    /// after the name is checked.
    fn of(transaction: &Transaction, call: &Call, uploaded: bool) -> Result<Self, Refusal> {
        let (id, content) = (call.required("storage")?, call.required("content")?);
        let storage = Storage::enabled(transaction, &id, &call.node())?;
        let Some(root) = storage.option("path") else {
            let kind = storage.kind();
            return Err(Refusal::failed(format!("can't upload to storage type '{kind}', not a file based storage!")));
        };
        let unsupported = !storage.holds(&content);
        if unsupported && !uploaded {
            let why = format!("storage '{id}' is not configured for content-type '{content}'");
            return Err(Refusal::failed(why));
        }
        let name = normalized(&call.required("filename")?);
        let wrong = |why: &str| Err(Refusal::parameter("filename", why));
        let folder = match content.as_str() {
            "iso" if !ends(&name, &["iso", "img"]) => return wrong("wrong file extension"),
            "vztmpl" if !ends(&name, &["tar", "tar.gz", "tar.xz", "tar.zst", "tar.bz2"]) => {
                return wrong("wrong file extension");
            }
            "import" if !ends(&name, &["ova", "qcow2", "raw", "vmdk"]) => {
                return wrong("invalid filename or wrong extension");
            }
            "iso" => "template/iso",
            "vztmpl" => "template/cache",
            _ => "import",
        };
        if unsupported {
            return Err(Refusal::failed(format!("storage '{id}' does not support '{content}' content")));
        }
        let path = format!("{root}/{folder}/{name}");
        Ok(Self { storage, content, name, path })
    }

    fn volume(&self, call: &Call) -> String {
        format!("{}:{}/{}", call.text("storage").unwrap_or_default(), self.content, self.name)
    }

    /// Puts the file on the list of what is there, in place of one with the same name.
    fn write(&self, transaction: &mut Transaction, call: &Call, bytes: u64) -> Result<(), Refusal> {
        let ending = self.name.rsplit('.').next().unwrap_or_default().to_lowercase();
        let format = match (self.content.as_str(), ending.as_str()) {
            ("iso", _) => "iso".to_owned(),
            ("vztmpl", "tar") => ending,
            ("vztmpl", _) => format!("t{ending}"),
            _ => ending,
        };
        let row = json!({
            "volid": self.volume(call), "content": self.content, "format": format, "size": bytes,
            "ctime": transaction.now(),
        });
        let list = self.storage.content(&call.node());
        transaction.put_row(&list, "volid", row.as_object().cloned().unwrap_or_default())
    }
}

/// A file's name as Proxmox keeps it (`normalize_content_filename`).
fn normalized(name: &str) -> String {
    let last = name.trim_end_matches('\n').rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    last.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect()
}

/// Reports whether a name has something before one of these endings.
fn ends(name: &str, endings: &[&str]) -> bool {
    let name = name.to_lowercase();
    endings.iter().any(|ending| {
        let before = name.strip_suffix(ending).and_then(|name| name.strip_suffix('.'));
        before.is_some_and(|before| !before.is_empty())
    })
}

/// `POST upload`: a task that puts a file in its place.
pub(super) fn upload(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let Some(bytes) = call.uploaded else { return Err(Refusal::failed("missing temporary file")) };
    let target = StoredFile::of(transaction, call, true)?;
    let temporary = format!("/var/tmp/pveupload-{}", transaction.made_up_digits(16));
    transaction.task(call, &call.node(), "imgcopy", "", |transaction, log| {
        let path = &target.path;
        log.push(format!("starting file import from: {temporary}"));
        log.push(format!("target node: {}", call.node()));
        log.push(format!("target file: {path}"));
        log.push(format!("file size is: {bytes}"));
        log.push(format!("command: cp -- {temporary} {path}"));
        log.push("finished file import successfully".to_owned());
        target.write(transaction, call, bytes)
    })
}

/// `POST download-url`: a task that downloads a file. The twin has no network: the file is listed, with the size of one
/// whose size is not known.
pub(super) fn download(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let target = StoredFile::of(transaction, call, false)?;
    let url = call.required("url")?;
    let there = transaction.row(&target.storage.content(&call.node()), "volid", &target.volume(call))?.is_some();
    let name = target.name.clone();
    transaction.task(call, &call.node(), "download", &name, |transaction, log| {
        if call.text("compression").is_some() && target.content != "iso" {
            return Err(Refusal::failed(format!("decompression not supported for {}", target.content)));
        }
        fetch(transaction, call, &target, &url, there, log)
    })
}

/// Downloads a file, with the log of `PVE::Tools::download_file_from_url`.
fn fetch(
    transaction: &mut Transaction,
    call: &Call,
    target: &StoredFile,
    url: &str,
    there: bool,
    log: &mut TaskLog,
) -> Result<(), Refusal> {
    let (path, checked) = (&target.path, call.text("checksum").is_some());
    log.push(format!("downloading {url} to {path}"));
    if there && !checked {
        return Err(Refusal::failed(format!("refusing to override existing file '{path}'")));
    }
    if there {
        log.push(
            "calculating checksum of existing file...OK, got correct file already, no need to download".to_owned(),
        );
        return Ok(());
    }
    let now = Moment::at(transaction.now().unsigned_abs()).spaced();
    log.push(format!("--{now}--  {url}"));
    if let Some(unresolved_host) = unresolved_host(transaction, url)? {
        let host = unresolved_host.host;
        log.push(format!("Resolving {host} ({host})... failed: Name or service not known."));
        return Err(Refusal::failed(format!("download failed: wget: unable to resolve host address '{host}'")));
    }
    if checked {
        log.push("calculating checksum...OK, checksum verified".to_owned());
    }
    target.write(transaction, call, ASSUMED_SIZE)?;
    log.push(format!("download of '{url}' to '{path}' finished"));
    Ok(())
}

/// `PUT content/{volume}`: the notes and the protection of a backup.
pub(super) fn annotate(transaction: &mut Transaction, call: &Call) -> Result<Value, Refusal> {
    let (node, storage, named) = (call.node(), call.required("storage")?, call.required("volume")?);
    let named = if named.contains(':') { named } else { format!("{storage}:{named}") };
    let volume =
        VolumeId::parse(&named).ok_or_else(|| Refusal::failed(format!("unable to parse volume ID '{named}'")))?;
    let Some(mut own) = volumes::row(transaction, &node, &volume)? else {
        return Err(Refusal::beyond_the_twin("change a volume that is on no list"));
    };
    match call.text("notes") {
        Some(notes) if notes.is_empty() => drop(own.remove("notes")),
        Some(notes) => drop(own.insert("notes".to_owned(), json!(notes))),
        None => {}
    }
    if call.text("protected").is_some() {
        own.insert("protected".to_owned(), json!(u8::from(call.flag("protected"))));
    }
    let list = ApiPath::new(["nodes", &node, "storage", volume.storage(), "content"]);
    transaction.hide(&ApiPath::new(["nodes", &node, "storage", volume.storage(), "content", volume.as_str()]));
    transaction.put_row(&list, "volid", own)?;
    Ok(Value::Null)
}
