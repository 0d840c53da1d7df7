//! Names of volumes on each type of storage (`parse_volname` of Proxmox's storage plugins).

use std::sync::LazyLock;

use regex_lite::Regex;

/// Kinds of files on a storage of files, by the beginning of the name and its ending.
const FILES: &[(&str, &str)] = &[
    ("iso", r"(?i)^iso/[^/]+\.(iso|img)$"),
    ("vztmpl", r"(?i)^vztmpl/[^/]+\.tar(\.(gz|xz|zst|bz2))?$"),
    ("backup", r"(?i)^backup/[^/]+\.(tgz|(tar|vma)(\.(gz|lzo|zst|bz2))?)$"),
    ("snippets", r"^snippets/[^/]+$"),
    ("import", r"^import/[^/]+\.(ova|ovf|qcow2|raw|vmdk)$"),
    ("import", r"^import/[^/]+\.ova/[^/]+\.(qcow2|raw|vmdk)$"),
];
/// Pattern of an image in a folder of its guest, also one that names its base.
const IMAGE: &str = r"^\d+/(\S+/\d+/)?(\S+)$";
const IMAGE_FILE: &str = r"^[^/\s]+\.(raw|qcow2|vmdk|subvol)$";
/// Types of storages whose volumes are not files: the word of the refusal, and the pattern of an image's name.
const BLOCKS: &[(&str, &str, &str)] = &[
    ("lvm", "lvm", r"^vm-\d+-\S+$"),
    ("lvmthin", "lvm", r"^(vm|base)-\d+-\S+$"),
    ("zfspool", "zfs", r"^((base|basevol)-\d+-\S+/)?(base|basevol|vm|subvol)-\d+-\S+$"),
    ("zfs", "zfs", r"^((base|basevol)-\d+-\S+/)?(base|basevol|vm|subvol)-\d+-\S+$"),
    ("rbd", "rbd", r"^(base-\d+-\S+/)?(base)?(vm)?-\d+-\S+$"),
    ("iscsi", "iscsi", r"^\d+\.\d+\.\d+\.\S+$"),
];

/// The patterns above, each compiled once.
static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let all = FILES.iter().map(|(_, pattern)| *pattern).chain(BLOCKS.iter().map(|(_, _, pattern)| *pattern));
    let all = all.chain([IMAGE, IMAGE_FILE, LVM]);
    all.map(|pattern| (pattern, Regex::new(pattern).expect("the patterns of this table are right"))).collect()
});
const LVM: &str = r"(?i)^[a-z0-9][a-z0-9\-_.]*[a-z0-9]$";

fn fits(pattern: &str, name: &str) -> bool {
    PATTERNS.iter().any(|(known, regex)| *known == pattern && regex.is_match(name))
}

/// The kind of a volume: `images`, `iso`, `vztmpl`, `backup`, `snippets` or `import`; or Proxmox's complaint about any
/// other name. `storage` is the type of the storage (`dir`, `lvmthin`), `name` the volume's name there. Types that are
/// not in the tables hold images of any name.
pub fn kind(storage: &str, name: &str) -> Result<&'static str, String> {
    if let Some((_, word, pattern)) = BLOCKS.iter().find(|(known, _, _)| *known == storage) {
        if *word == "lvm" && !fits(LVM, name) {
            return Err(format!("lvm name '{name}' contains illegal characters"));
        }
        let unknown = || format!("unable to parse {word} volume name '{name}'");
        return fits(pattern, name).then_some("images").ok_or_else(unknown);
    }
    match storage {
        "pbs" if name.starts_with("backup/") => Ok("backup"),
        "pbs" => Err(format!("unable to parse PBS volume name '{name}'")),
        "dir" | "nfs" | "cifs" | "cephfs" | "btrfs" | "glusterfs" => file(name),
        _ => Ok("images"),
    }
}

fn file(name: &str) -> Result<&'static str, String> {
    if fits(IMAGE, name) {
        let last = name.rsplit('/').next().unwrap_or_default();
        let unknown = || format!("unable to parse volume filename '{last}'");
        return fits(IMAGE_FILE, last).then_some("images").ok_or_else(unknown);
    }
    let file = FILES.iter().find(|(_, pattern)| fits(pattern, name));
    file.map(|(kind, _)| *kind).ok_or_else(|| format!("unable to parse directory volume name '{name}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_kind() {
        let check = |storage: &str, name: &str, expected: Result<&'static str, &str>| {
            assert_eq!(kind(storage, name), expected.map_err(str::to_owned), "{storage}:{name}");
        };
        check("lvmthin", "vm-100-disk-0", Ok("images"));
        check("lvmthin", "base-100-disk-0", Ok("images"));
        check("lvm", "base-100-disk-0", Err("unable to parse lvm volume name 'base-100-disk-0'"));
        // Recorded: `scsi0=local-lvm:abc`.
        check("lvmthin", "abc", Err("unable to parse lvm volume name 'abc'"));
        check("lvmthin", "iso/x.iso", Err("lvm name 'iso/x.iso' contains illegal characters"));
        check("zfspool", "base-9-disk-0/vm-10-disk-0", Ok("images"));
        check("zfspool", "disk", Err("unable to parse zfs volume name 'disk'"));
        check("dir", "9000/base-9000-disk-0.qcow2/103/vm-103-disk-0.qcow2", Ok("images"));
        check("dir", "100/vm-100-disk-0.img", Err("unable to parse volume filename 'vm-100-disk-0.img'"));
        check("dir", "iso/debian.ISO", Ok("iso"));
        check("nfs", "vztmpl/debian-12.tar.zst", Ok("vztmpl"));
        check("dir", "backup/vzdump-qemu-100-2026_01_01-00_00_00.vma.zst", Ok("backup"));
        check("dir", "snippets/hook.pl", Ok("snippets"));
        check("dir", "import/debian.qcow2", Ok("import"));
        check("dir", "disk", Err("unable to parse directory volume name 'disk'"));
        check("pbs", "vm/100", Err("unable to parse PBS volume name 'vm/100'"));
    }
}
