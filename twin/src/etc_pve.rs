//! A copied or backed-up `/etc/pve`: the files that are read of it, and what they make a twin answer.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use proxmox_mpc_model::etc_pve::{self, File, Loaded, Tree};

/// How large one file may be, in bytes: `pmxcfs` takes 1 MiB.
const LARGEST_FILE: u64 = 1 << 20;

/// How much all files may hold together, in bytes: `pmxcfs` takes 128 MiB.
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
    ("sdn", &[".cfg", ".running-config", "pve-ipam-state.json"]),
    ("sdn/firewall", &[".fw"]),
];

/// Why a tree cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EtcPveError {
    /// Nothing is there, or a file is.
    #[error("there is no folder at `{}`", path.display())]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The folder holds nothing that `/etc/pve` holds.
    #[error("`{}` is no copy of /etc/pve: it has neither a storage.cfg, nor a user.cfg, nor nodes", path.display())]
    NoTree {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// A file or the tree is larger than Proxmox lets it be.
    #[error("`{}` is larger than any of Proxmox's: {limit} bytes are the most", path.display())]
    TooLarge {
        /// The file, or the whole tree.
        path: PathBuf,
        /// How large it may be, in bytes.
        limit: u64,
    },
    /// The system refused to read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Reads a copy of `/etc/pve` for this version of Proxmox VE. Nothing below `priv` is read.
pub fn load(folder: &Path, version: &str) -> Result<Loaded, EtcPveError> {
    let (tree, warnings) = read(folder)?;
    let mut loaded = etc_pve::load(&tree, version);
    loaded.warnings.splice(0..0, warnings);
    Ok(loaded)
}

/// The files that a twin is made of, and what was wrong with their bytes.
pub fn read(folder: &Path) -> Result<(Tree, Vec<String>), EtcPveError> {
    if !folder.is_dir() {
        return Err(EtcPveError::Missing { path: folder.to_owned() });
    }
    let mut reader = Reader { folder, tree: BTreeMap::new(), warnings: Vec::new(), size: 0 };
    for name in FILES {
        reader.file((*name).to_owned())?;
    }
    for (name, endings) in FOLDERS {
        for file in reader.names(name)? {
            if endings.iter().any(|ending| file.ends_with(ending)) {
                reader.file(format!("{name}/{file}"))?;
            }
        }
    }
    // The link leads to the folder of the node that was asked.
    if let Ok(target) = fs::read_link(folder.join("local"))
        && let Some(node) = target.file_name().and_then(|node| node.to_str())
    {
        reader.tree.insert("local".to_owned(), File::of(node));
    }
    for node in reader.names("nodes")?.into_iter().filter(|node| !node.starts_with('.')) {
        if folder.join("nodes").join(&node).is_dir() {
            reader.node(&node)?;
        }
    }
    let there = |name: &str| reader.tree.contains_key(name);
    if !there("storage.cfg") && !there("user.cfg") && !reader.tree.keys().any(|path| path.starts_with("nodes/")) {
        return Err(EtcPveError::NoTree { path: folder.to_owned() });
    }
    Ok((reader.tree, reader.warnings))
}

struct Reader<'f> {
    folder: &'f Path,
    tree: Tree,
    warnings: Vec<String>,
    /// What was read so far, in bytes.
    size: u64,
}

impl Reader<'_> {
    fn node(&mut self, node: &str) -> Result<(), EtcPveError> {
        self.tree.insert(format!("nodes/{node}/"), File::default());
        for name in ["config", "host.fw"] {
            self.file(format!("nodes/{node}/{name}"))?;
        }
        for kind in ["qemu-server", "lxc"] {
            for file in self.names(&format!("nodes/{node}/{kind}"))? {
                if file.ends_with(".conf") {
                    self.file(format!("nodes/{node}/{kind}/{file}"))?;
                }
            }
        }
        Ok(())
    }

    /// The names in a folder, sorted; none where there is no such folder.
    fn names(&self, folder: &str) -> Result<Vec<String>, EtcPveError> {
        let path = self.folder.join(folder);
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

    /// Reads a file, where there is one. What is no file (a pipe, a folder, a link that leads nowhere) is left alone.
    fn file(&mut self, name: String) -> Result<(), EtcPveError> {
        let path = self.folder.join(&name);
        if !fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            return Ok(());
        }
        let refused = |source| EtcPveError::Read { path: path.clone(), source };
        let mut content = Vec::new();
        let file = fs::File::open(&path).map_err(refused)?;
        file.take(LARGEST_FILE + 1).read_to_end(&mut content).map_err(refused)?;
        let length = content.len() as u64;
        self.size += length;
        if length > LARGEST_FILE {
            return Err(EtcPveError::TooLarge { path, limit: LARGEST_FILE });
        }
        if self.size > LARGEST_TREE {
            return Err(EtcPveError::TooLarge { path: self.folder.to_owned(), limit: LARGEST_TREE });
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
    let digest = ring::digest::digest(algorithm, content);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
