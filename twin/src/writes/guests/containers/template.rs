//! Template of a container: the twin takes from the name of its file what Proxmox finds inside.

/// The distributions that Proxmox knows, by what the names of their templates begin with, and the `ostype` of each
/// (`PVE::LXC::Setup`). Those that are another one's kind have its type.
const DISTRIBUTIONS: [(&str, &str); 13] = [
    ("almalinux", "centos"),
    ("alpine", "alpine"),
    ("archlinux", "archlinux"),
    ("centos", "centos"),
    ("debian", "debian"),
    ("devuan", "devuan"),
    ("fedora", "fedora"),
    ("gentoo", "gentoo"),
    ("nixos", "nixos"),
    ("opensuse", "opensuse"),
    ("proxmox", "debian"),
    ("rockylinux", "centos"),
    ("ubuntu", "ubuntu"),
];
/// The processors that names of templates end with; Proxmox's `arch` has the same words.
const ARCHITECTURES: [&str; 6] = ["amd64", "i386", "arm64", "armhf", "riscv64", "riscv32"];

/// The distribution that Proxmox would detect in a template; `None` where its name does not tell.
pub(super) fn distribution(volume: &str) -> Option<&'static str> {
    let file = file(volume);
    DISTRIBUTIONS.iter().find(|(name, _)| file.starts_with(name)).map(|(_, kind)| *kind)
}

/// The processors that a template is for; `amd64`, as Proxmox falls back to, where its name does not tell.
pub(super) fn architecture(volume: &str) -> &'static str {
    let file = file(volume);
    ARCHITECTURES.into_iter().find(|name| file.contains(name)).unwrap_or("amd64")
}

fn file(volume: &str) -> &str {
    volume.rsplit(['/', ':']).next().unwrap_or_default()
}

/// Output of `mkfs.ext4` for a new file system, in the lines that Proxmox shows. A small one (below 512 MiB) has blocks
/// of another size, for which the twin has no lines.
pub(super) fn formatted(bytes: u64, uuid: &str) -> Vec<String> {
    const BLOCK: u64 = 4096;
    const GROUP: u64 = 32768;
    let (blocks, inodes) = (bytes / BLOCK, bytes / (4 * BLOCK));
    if bytes < 512 << 20 {
        return Vec::new();
    }
    let mut lines = vec![
        format!("Creating filesystem with {blocks} 4k blocks and {inodes} inodes"),
        format!("Filesystem UUID: {uuid}"),
        "Superblock backups stored on blocks: ".to_owned(),
    ];
    let groups = (1..blocks.div_ceil(GROUP)).filter(|group| is_power(*group)).map(|group| (group * GROUP).to_string());
    let mut room = 0;
    for block in groups {
        match lines.last_mut() {
            Some(line) if block.len() < room => {
                line.push_str(&block);
                room -= block.len() + 1;
            }
            _ => {
                lines.push(format!("\t{block}"));
                room = 72 - (block.len() + 1);
            }
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(", ");
        }
    }
    if let Some(line) = lines.last_mut() {
        line.truncate(line.trim_end_matches([',', ' ']).len());
    }
    lines
}

/// Reports whether a group of blocks has a copy of the superblock: the first one, and the powers of 3, 5 and 7.
fn is_power(group: u64) -> bool {
    [3, 5, 7].iter().any(|base: &u64| {
        let mut power = 1;
        while power < group {
            power *= base;
        }
        power == group
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_templates_tell_what_they_are() {
        let check = |volume: &str, kind: Option<&str>, arch: &str| {
            assert_eq!((distribution(volume), architecture(volume)), (kind, arch), "{volume}");
        };
        check("local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst", Some("debian"), "amd64");
        check("nas:vztmpl/rockylinux-9-default_20240912_amd64.tar.xz", Some("centos"), "amd64");
        check("local:vztmpl/alpine-3.20-default_20240908_arm64.tar.xz", Some("alpine"), "arm64");
        check("local:vztmpl/own.tar.gz", None, "amd64");
    }

    /// As recorded, with one volume of 1 GiB.
    #[test]
    fn a_file_system_is_told_of() {
        let lines = formatted(1 << 30, "x");
        assert_eq!(lines[0], "Creating filesystem with 262144 4k blocks and 65536 inodes");
        assert_eq!(lines[3..], ["\t32768, 98304, 163840, 229376".to_owned()]);
        let longer = formatted(64 << 30, "x");
        assert!(longer.len() > 4 && longer[3].ends_with(", "), "{longer:?}");
    }
}
