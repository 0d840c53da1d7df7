//! A copied or backed-up `/etc/pve`, a folder or the same folder packed: the files that are read of it, and what they
//! make a twin answer.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use proxmox_mpc_model::etc_pve::{self, File, Loaded, Tree};

use crate::recording::{self, RecordingError};

/// Largest size of one file, in bytes: `pmxcfs` takes 1 MiB.
const LARGEST_FILE: u64 = 1 << 20;

/// Largest size of all files together, in bytes: `pmxcfs` takes 128 MiB.
const LARGEST_TREE: u64 = 128 << 20;

/// The files that are read, beside those of nodes and firewalls.
const FILES: &[&str] = &[
    "corosync.conf",
    "datacenter.cfg",
    "domains.cfg",
    "jobs.cfg",
    "notifications.cfg",
    "replication.cfg",
    "status.cfg",
    "storage.cfg",
    "user.cfg",
    "vzdump.cron",
];

/// The folders of which files with these endings are read.
const FOLDERS: &[(&str, &[&str])] = &[
    ("firewall", &[".fw"]),
    ("ha", &[".cfg"]),
    ("mapping", &[".cfg"]),
    ("virtual-guest", &["cpu-models.conf"]),
    ("sdn", &[".cfg", ".running-config", "pve-ipam-state.json"]),
    ("sdn/firewall", &[".fw"]),
];

/// The same of each node.
const OF_NODES: &[(&str, &[&str])] = &[("", &["config", "host.fw"]), ("qemu-server", &[".conf"]), ("lxc", &[".conf"])];

/// Reason why a tree cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EtcPveError {
    /// The path does not exist.
    #[error("`{}` does not exist", path.display())]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The folder has none of the files of `/etc/pve`.
    #[error("`{}` is not a copy of /etc/pve: it has none of its files and folders", path.display())]
    NoTree {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The packed copy cannot be unpacked.
    #[error("the packed copy cannot be read")]
    Packed(#[source] RecordingError),
    /// A file or the tree is larger than Proxmox lets it be.
    #[error("`{}` is larger than {limit} bytes, the limit of Proxmox", path.display())]
    TooLarge {
        /// The file, or the whole tree.
        path: PathBuf,
        /// Largest size that is read, in bytes.
        limit: u64,
    },
    /// The system refused to read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

/// Reads a copy of `/etc/pve`, a folder or a `.tar.zst` file, for this version of Proxmox VE. Nothing below `priv` is
/// read.
pub fn load(path: &Path, version: &str) -> Result<Loaded, EtcPveError> {
    let mut reader = Reader { path, tree: BTreeMap::new(), warnings: Vec::new(), size: 0 };
    if path.is_dir() {
        reader.folder()?;
    } else if path.is_file() {
        reader.packed()?;
    } else {
        return Err(EtcPveError::Missing { path: path.to_owned() });
    }
    if !reader.tree.keys().any(|path| path != "local") {
        return Err(EtcPveError::NoTree { path: path.to_owned() });
    }
    let mut loaded = etc_pve::load(&reader.tree, version);
    loaded.warnings.splice(0..0, reader.warnings);
    Ok(loaded)
}

/// Reports whether a file of this name is read.
fn is_read(name: &str) -> bool {
    let among = |folders: &[(&str, &[&str])], name: &str| {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let mut endings = folders.iter().filter(|(known, _)| *known == folder).flat_map(|(_, endings)| *endings);
        endings.any(|ending| if ending.contains('.') { file.ends_with(ending) } else { file == *ending })
    };
    if let Some((node, rest)) = name.strip_prefix("nodes/").and_then(|rest| rest.split_once('/')) {
        return !node.starts_with('.') && among(OF_NODES, rest);
    }
    FILES.contains(&name) || among(FOLDERS, name)
}

struct Reader<'p> {
    path: &'p Path,
    tree: Tree,
    warnings: Vec<String>,
    /// Size of the files read so far, in bytes.
    size: u64,
}

impl Reader<'_> {
    fn folder(&mut self) -> Result<(), EtcPveError> {
        for name in FILES {
            self.file((*name).to_owned())?;
        }
        for (folder, _) in FOLDERS {
            self.files(folder)?;
        }
        // The link leads to the folder of the node that was asked.
        if let Ok(target) = fs::read_link(self.path.join("local"))
            && let Some(node) = target.file_name().and_then(|node| node.to_str())
        {
            self.tree.insert("local".to_owned(), File::of(node));
        }
        for node in self.names("nodes")?.into_iter().filter(|node| !node.starts_with('.')) {
            let folder = format!("nodes/{node}");
            if !self.path.join(&folder).is_dir() {
                continue;
            }
            self.tree.insert(format!("{folder}/"), File::default());
            for (inner, _) in OF_NODES {
                self.files(format!("{folder}/{inner}").trim_end_matches('/'))?;
            }
        }
        Ok(())
    }

    /// Reads those files of a folder that are read at all.
    fn files(&mut self, folder: &str) -> Result<(), EtcPveError> {
        let names = self.names(folder)?.into_iter().map(|name| format!("{folder}/{name}"));
        names.filter(|name| is_read(name)).try_for_each(|name| self.file(name))
    }

    /// Reads a packed copy, which may hold the folders above it as well: `etc/pve/storage.cfg`. Links, such as those to
    /// the local node's folders, are left alone.
    fn packed(&mut self) -> Result<(), EtcPveError> {
        let entries = recording::packed_files(self.path, |_| Ok(())).map_err(EtcPveError::Packed)?;
        let above = |name: &String| {
            let mut cuts = [("", name.as_str())]
                .into_iter()
                .chain(name.match_indices('/').map(|(at, _)| (&name[..at], &name[at + 1..])));
            cuts.find(|(_, inside)| is_read(inside)).map(|(above, _)| above.to_owned())
        };
        let top = entries.keys().filter_map(above).min_by_key(String::len).unwrap_or_default();
        for (name, content) in entries {
            let Some(name) = name.strip_prefix(&top).map(|name| name.trim_start_matches('/')) else { continue };
            if let Some((node, _)) = name.strip_prefix("nodes/").and_then(|rest| rest.split_once('/')) {
                self.tree.insert(format!("nodes/{node}/"), File::default());
            }
            if is_read(name) {
                self.keep(name.to_owned(), content.into_vec())?;
            }
        }
        Ok(())
    }

    /// The names in a folder, sorted; none where there is no such folder.
    fn names(&self, folder: &str) -> Result<Vec<String>, EtcPveError> {
        let path = self.path.join(folder);
        let refused = |source| EtcPveError::Read { path: path.clone(), source };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(refused(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry.map_err(refused)?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Reads a file, where there is one. Pipes, folders and links that lead nowhere are left alone.
    fn file(&mut self, name: String) -> Result<(), EtcPveError> {
        let path = self.path.join(&name);
        if !fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(());
        }
        let refused = |source| EtcPveError::Read { path: path.clone(), source };
        let mut content = Vec::new();
        let file = fs::File::open(&path).map_err(refused)?;
        file.take(LARGEST_FILE + 1).read_to_end(&mut content).map_err(refused)?;
        self.keep(name, content)
    }

    /// Keeps what a file holds.
    fn keep(&mut self, name: String, content: Vec<u8>) -> Result<(), EtcPveError> {
        let length = content.len() as u64;
        self.size += length;
        if length > LARGEST_FILE {
            return Err(EtcPveError::TooLarge { path: self.path.join(name), limit: LARGEST_FILE });
        }
        if self.size > LARGEST_TREE {
            return Err(EtcPveError::TooLarge { path: self.path.to_owned(), limit: LARGEST_TREE });
        }
        let (sha1, sha256) =
            (digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &content), digest(&ring::digest::SHA256, &content));
        let text = String::from_utf8(content).unwrap_or_else(|error| {
            self.warnings.push(format!("{name}: not all of it is UTF-8"));
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        });
        self.tree.insert(name, File { text, sha1, sha256 });
        Ok(())
    }
}

fn digest(algorithm: &'static ring::digest::Algorithm, content: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    let digest = ring::digest::digest(algorithm, content);
    digest.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
