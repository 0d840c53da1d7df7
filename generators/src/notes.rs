//! Notes in the header of a generated file, for what holds for many of its blocks: what they ignore and why, and the effects of
//! a change.

use crate::hcl;

/// Page that explains the rules of the provider.
const RULES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/HEAD/docs/provider.md");

/// A note in the header of a file.
struct HeaderNote {
    /// Kind of the file.
    kind: &'static str,
    /// Condition on the blocks of the file.
    trigger: NoteTrigger,
    /// The note, without its full stop.
    text: &'static str,
}

/// Condition on a block.
enum NoteTrigger {
    /// Its `ignore_changes` has one of these paths; a family of paths as `mount_point[n].volume`.
    Ignored(&'static [&'static str]),
    /// Its `ignore_changes` has any path.
    AnyIgnored,
    /// It has a nested block with this first line: `disk {`.
    Nested(&'static str),
}

const fn ignored(kind: &'static str, paths: &'static [&'static str], text: &'static str) -> HeaderNote {
    HeaderNote { kind, trigger: NoteTrigger::Ignored(paths), text }
}

const fn nested(kind: &'static str, line: &'static str, text: &'static str) -> HeaderNote {
    HeaderNote { kind, trigger: NoteTrigger::Nested(line), text }
}

/// Timeouts of a container that an import leaves empty.
pub(crate) const TIMEOUTS: &[&str] =
    &["timeout_clone", "timeout_create", "timeout_delete", "timeout_start", "timeout_update"];

/// Note for ignored options of a firewall.
const NOT_SET: &str = "what a block ignores is not set in Proxmox; what stands there means the same, for when the options are made anew \
                       (provider rule F3)";

/// All notes, in the order in which a header has them.
static NOTES: &[HeaderNote] = &[
    nested(
        "vm",
        "disk {",
        "disk: a change of one rewrites every drive of the guest with what stands here (provider rule T43)",
    ),
    nested(
        "vm",
        "memory {",
        "memory without floating: Proxmox balloons where it has no balloon value, and the provider reads 0, which means never: with \
         a change of the block write floating too, as much as dedicated, or it sends balloon=0 (provider rule T48)",
    ),
    nested("vm", "hostpci {", "hostpci: a change of one rewrites all of them (provider rule T34)"),
    ignored(
        "vm",
        &["scsi_hardware"],
        "scsi_hardware is ignored where it is not set, which means lsi: the first change of anything sends virtio-scsi-pci, and the \
         guest may not find its disks (provider rule T3)",
    ),
    ignored(
        "vm",
        &["node_name"],
        "node_name is ignored where the HA manager may move the guest: a plan with its old node would replace it (provider rule T45)",
    ),
    ignored(
        "vm",
        &["description"],
        "description is ignored where the notes start or end with blanks, or have Windows line ends, which the provider would change \
         (provider rule T12)",
    ),
    nested(
        "container",
        "console {}",
        "console {} stands where Proxmox says nothing of the console: an import has the block all the same (provider rule C3)",
    ),
    nested(
        "container",
        "mount_point {",
        "mount_point: a change of one rewrites all of them, and of a volume or a size replaces the container (provider rules C6, C10)",
    ),
    ignored(
        "container",
        &["vm_id"],
        "vm_id is ignored: an import does not read it; it is needed to make the container anew (provider rule C2)",
    ),
    ignored(
        "container",
        TIMEOUTS,
        "timeout_… are ignored: an import does not read them; Terraform warns that timeout_start is deprecated (provider rule C1)",
    ),
    ignored(
        "container",
        &["operating_system[0].template_file_id"],
        "template_file_id is ignored: Proxmox does not keep which template a container was made from, and naming one would replace it \
         (provider rule C4)",
    ),
    ignored(
        "container",
        &["operating_system"],
        "operating_system is ignored where Proxmox does not know the system; a new container needs a template all the same (provider \
         rule C5)",
    ),
    ignored(
        "container",
        &["mount_point[n].volume"],
        "mount_point[…].volume is ignored: Proxmox names the volumes; the storage is what a new container needs (provider rule C10)",
    ),
    ignored(
        "container",
        &["description"],
        "description is ignored where the notes start or end with blanks, or have Windows line ends, which the provider would change \
         (provider rule C16)",
    ),
    ignored(
        "storage",
        &["password"],
        "password is ignored: Proxmox does not show it, and without this the plan replaces the storage (provider rule S2)",
    ),
    ignored(
        "storage",
        &["backups"],
        "backups is ignored: an import does not read the retention; it is needed to make the storage anew (provider rule S3)",
    ),
    ignored("user", &["keys"], "keys is ignored: the user's second factor is the user's own (provider rule U4)"),
    HeaderNote { kind: "guest_firewall", trigger: NoteTrigger::AnyIgnored, text: NOT_SET },
    HeaderNote { kind: "cluster_firewall", trigger: NoteTrigger::AnyIgnored, text: NOT_SET },
    ignored(
        "zfs_pool",
        &["devices", "raidlevel"],
        "devices and raidlevel are ignored: an import does not read them; they are needed to make the pool anew (provider rule H11)",
    ),
];

/// Lines of the header for a file with these blocks: the notes that apply to one of them, and how to read the rules that the
/// notes or the blocks cite.
pub(crate) fn header<'t>(kind: &str, blocks: impl Iterator<Item = &'t String>) -> Vec<String> {
    let known: Vec<&HeaderNote> = NOTES.iter().filter(|note| note.kind == kind).collect();
    let mut applies = vec![false; known.len()];
    let mut cited = None;
    for block in blocks {
        let uncommented = uncommented(block);
        for (applies, note) in applies.iter_mut().zip(&known).filter(|(applies, _)| !**applies) {
            *applies = note.applies_to(block, &uncommented);
        }
        cited = cited.or_else(|| citation(block));
    }
    let notes: Vec<&str> =
        known.iter().zip(applies).filter(|(_, applies)| *applies).map(|(note, _)| note.text).collect();
    let mut lines = Vec::new();
    if !notes.is_empty() {
        lines.push(String::new());
        lines.push("What is true of many blocks is said here, once:".to_owned());
        lines.extend(notes.iter().map(|note| format!("- {note}.")));
    }
    if let Some(rule) = notes.iter().find_map(|note| citation(note)).or(cited) {
        lines.push(String::new());
        lines.push(format!("`proxmox-mpc explain {rule}` prints what a provider rule says; all of them are in"));
        lines.push(RULES.to_owned());
    }
    lines
}

impl HeaderNote {
    fn applies_to(&self, block: &str, ignored: &[&str]) -> bool {
        match self.trigger {
            NoteTrigger::Ignored(paths) => ignored.iter().any(|path| paths.contains(&&*family(path))),
            NoteTrigger::AnyIgnored => !ignored.is_empty(),
            // Exactly two spaces: lines of a text are indented further.
            NoteTrigger::Nested(line) => block.contains(&format!("\n  {line}\n")),
        }
    }
}

/// Paths that a block ignores without a comment of its own.
fn uncommented(block: &str) -> Vec<&str> {
    let Some((_, lifecycle)) = block.rsplit_once("\n  lifecycle {\n") else { return Vec::new() };
    let Some((before, list)) = lifecycle.split_once("ignore_changes") else { return Vec::new() };
    let commented: Vec<&str> = before
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('#'))
        .flat_map(|line| line.split([' ', ',', ':']))
        .collect();
    let list = list.trim_start_matches([' ', '=', '[']).split("]\n").next().unwrap_or_default();
    list.split([',', '\n', ' ']).filter(|path| !path.is_empty() && !commented.contains(path)).collect()
}

/// `mount_point[n].volume` of `mount_point[3].volume`.
fn family(path: &str) -> String {
    match path.split_once('[').and_then(|(stem, rest)| Some((stem, rest.split_once(']')?))) {
        Some((stem, (index, rest))) if stem == "mount_point" && !index.is_empty() => format!("{stem}[n]{rest}"),
        _ => path.to_owned(),
    }
}

/// The first rule that a text cites.
fn citation(text: &str) -> Option<&str> {
    let (_, rest) = ["provider rule ", "provider rules "].iter().find_map(|before| text.split_once(before))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|rule| hcl::identifier(rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_the_notes_that_apply() {
        let block = |inside: &str| format!("resource \"a\" \"b\" {{\n{inside}}}\n");
        let check = |kind: &str, inside: &[&str], expected: &[&str]| {
            let blocks: Vec<String> = inside.iter().map(|inside| block(inside)).collect();
            let lines = header(kind, blocks.iter());
            let starts: Vec<&str> =
                lines.iter().filter_map(|line| line.strip_prefix("- ")?.split([' ', ':']).next()).collect();
            assert_eq!(starts, expected, "{inside:?}");
            assert_eq!(lines.last().is_some_and(|line| line == RULES), !lines.is_empty(), "{lines:?}");
        };
        let ignoring = "  lifecycle {\n    prevent_destroy = true\n    ignore_changes  = [vm_id, timeout_start]\n  }\n";
        let long =
            "  lifecycle {\n    ignore_changes = [\n      vm_id, memory,\n      mount_point[12].volume,\n    ]\n  }\n";
        let commented = "  lifecycle {\n    # vm_id: for a reason.\n    ignore_changes = [vm_id]\n  }\n";
        check("container", &["  console {}\n"], &["console"]);
        check("container", &["  x = <<-EOT\n    console {}\n  EOT\n"], &[]);
        check("container", &[commented], &[]);
        check("container", &[commented, long], &["vm_id", "mount_point[…].volume"]);
        check("container", &[ignoring, commented], &["vm_id", "timeout_…"]);
        check("vm", &["  disk {\n  }\n"], &["disk"]);
        check("vm", &["  # refused (provider rule T30)\n  a = 1\n"], &[]);
        check("pool", &[ignoring], &[]);
    }

    #[test]
    fn the_first_rule_is_cited() {
        assert_eq!(citation("x (provider rules C6, C10)"), Some("C6"));
        assert_eq!(citation("x (provider rule T3); y (provider rule T4)"), Some("T3"));
        assert_eq!(citation("nothing"), None);
    }
}
