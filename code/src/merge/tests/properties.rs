//! Random clusters, random changes of them, and random edits of people, refactorings among them: nothing that a person wrote
//! disappears, nothing of the cluster is lost, no object is there twice, and merging again changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{Files, Keys, merge_files, merged, objects};
use crate::configuration::{Address, Configuration, GeneratedObject, Instance, Path};
use crate::document::Document;
use crate::merge::changes::{BASE, MIDDLE, OURS, THEIRS};

/// A guest, as the cluster has it.
#[derive(Clone, Debug, PartialEq)]
struct Guest {
    node: u8,
    name: u8,
    memory: u32,
    cores: Option<u8>,
    tags: Vec<u8>,
    disks: BTreeMap<u8, u16>,
    devices: Vec<u8>,
    text: Option<u8>,
    ignored: BTreeSet<u8>,
}

type Cluster = BTreeMap<u16, Guest>;

fn guest() -> impl Strategy<Value = Guest> {
    let first = (0..3u8, 0..5u8, 1..5u32, proptest::option::of(1..5u8), proptest::collection::vec(0..4u8, 0..3));
    let second = (
        proptest::collection::btree_map(0..3u8, 1..50u16, 0..3),
        proptest::collection::vec(0..4u8, 0..3),
        proptest::option::of(0..3u8),
        proptest::collection::btree_set(0..3u8, 0..3),
    );
    (first, second).prop_map(|((node, name, memory, cores, tags), (disks, devices, text, ignored))| Guest {
        node,
        name,
        memory: memory * 1024,
        cores,
        tags,
        disks,
        devices,
        text,
        ignored,
    })
}

/// A cluster, and the same one later: some guests changed, some gone, some new.
fn clusters() -> impl Strategy<Value = (Cluster, Cluster)> {
    let before = proptest::collection::btree_map(100..110u16, guest(), 1..6);
    let changes = proptest::collection::vec((100..110u16, guest(), 0..12u8), 0..8);
    (before, changes).prop_map(|(before, changes)| {
        let mut after: Cluster = before.clone();
        for (id, other, kind) in changes {
            match (kind, after.get_mut(&id)) {
                (0, _) => drop(after.remove(&id)),
                (1, _) => drop(after.insert(id, other)),
                (2, Some(guest)) => guest.memory = other.memory,
                (3, Some(guest)) => guest.cores = other.cores,
                (4, Some(guest)) => guest.tags = other.tags,
                (5, Some(guest)) => guest.disks = other.disks,
                (6, Some(guest)) => guest.devices = other.devices,
                (7, Some(guest)) => guest.text = other.text,
                (8, Some(guest)) => guest.ignored = other.ignored,
                (9, Some(guest)) => guest.node = other.node,
                (_, Some(guest)) => guest.name = other.name,
                _ => {}
            }
        }
        (before, after)
    })
}

/// The generated files of a cluster.
fn generate(cluster: &Cluster) -> Files {
    let mut guests = "# Generated.\n".to_owned();
    let mut imports = "# Generated.\n".to_owned();
    for (id, guest) in cluster {
        let mut attributes = vec![
            ("node_name", format!("\"pve{}\"", guest.node)),
            ("vm_id", id.to_string()),
            ("name", format!("\"guest-{}\"", guest.name)),
        ];
        if let Some(text) = guest.text {
            attributes.push(("description", format!("<<-EOT\n    text {text}\n    more\n  EOT")));
        }
        if !guest.tags.is_empty() {
            let tags: Vec<String> = guest.tags.iter().map(|tag| format!("\"t{tag}\"")).collect();
            attributes.push(("tags", format!("[{}]", tags.join(", "))));
        }
        attributes.push(("memory", guest.memory.to_string()));
        attributes.extend(guest.cores.map(|cores| ("cores", cores.to_string())));
        let width = attributes.iter().map(|(name, _)| name.len()).max().unwrap();
        _ = write!(guests, "\nresource \"vm\" \"g{id}\" {{\n");
        for (name, value) in attributes {
            _ = writeln!(guests, "  {name:width$} = {value}");
        }
        for (disk, size) in &guest.disks {
            _ = write!(guests, "\n  disk {{\n    interface = \"scsi{disk}\"\n    size      = {size}\n  }}\n");
        }
        for bridge in &guest.devices {
            _ = write!(guests, "\n  network_device {{\n    bridge = \"vmbr{bridge}\"\n  }}\n");
        }
        guests.push_str("\n  lifecycle {\n    prevent_destroy = true\n");
        if !guest.ignored.is_empty() {
            let ignored: Vec<String> = guest.ignored.iter().map(|item| format!("x{item}")).collect();
            _ = writeln!(guests, "    ignore_changes  = [{}]", ignored.join(", "));
        }
        guests.push_str("  }\n}\n");
        _ = write!(imports, "\nimport {{\n  to = vm.g{id}\n  id = \"pve{}/{id}\"\n}}\n", guest.node);
    }
    [("terraform/virtual_machines.tf", guests), ("terraform/imports.tf", imports)]
        .map(|(path, text)| (path.to_owned(), text))
        .into()
}

/// An edit that people make.
#[derive(Clone, Debug)]
enum Edit {
    Comment(Index),
    CommentInside(Index),
    BlankLine(Index),
    Value(Index, u32),
    Delete(Index),
    MoveToFile(Index),
    Reorder(Index),
    Rename(Index),
    Reformat(Index),
    Variable(Index),
    Local(Index),
    ForEach(Index),
    ModuleCall(Index),
    OwnBlock(Index),
    OwnIgnore(Index),
    CarriageReturns,
    DeleteImports,
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Edit::Comment),
        index().prop_map(Edit::CommentInside),
        index().prop_map(Edit::BlankLine),
        (index(), 1..9u32).prop_map(|(index, value)| Edit::Value(index, value)),
        index().prop_map(Edit::Delete),
        index().prop_map(Edit::MoveToFile),
        index().prop_map(Edit::Reorder),
        index().prop_map(Edit::Rename),
        index().prop_map(Edit::Reformat),
        index().prop_map(Edit::Variable),
        index().prop_map(Edit::Local),
        index().prop_map(Edit::ForEach),
        index().prop_map(Edit::ModuleCall),
        index().prop_map(Edit::OwnBlock),
        index().prop_map(Edit::OwnIgnore),
        Just(Edit::CarriageReturns),
        Just(Edit::DeleteImports),
    ]
}

/// A person's tree in the making, with the lines that must not disappear.
struct Person {
    files: Files,
    own: Vec<String>,
    deleted: BTreeSet<u16>,
    count: usize,
}

impl Person {
    /// Blocks of guests that stand alone: file, range of the lines, and the id.
    fn guests(&self) -> Vec<(String, std::ops::Range<usize>, u16)> {
        let mut guests = Vec::new();
        for (path, text) in
            self.files.iter().filter(|(path, _)| path.ends_with(".tf") && path.matches('/').count() == 1)
        {
            for block in Document::parse(text).unwrap().blocks() {
                let id = block.attribute("vm_id").and_then(|id| id.source().parse().ok());
                if let (Some(_), Some(id)) = (block.resource_address(), id) {
                    let range = block.range();
                    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
                    guests.push((path.clone(), range.start..end, id));
                }
            }
        }
        guests
    }

    fn edit(&mut self, edit: &Edit) {
        self.count += 1;
        let number = self.count;
        if let Edit::CarriageReturns = edit {
            let text = self.files.get_mut("terraform/imports.tf");
            text.into_iter().for_each(|text| *text = text.replace("\r\n", "\n").replace('\n', "\r\n"));
            return;
        }
        if let Edit::DeleteImports = edit {
            self.files.remove("terraform/imports.tf");
            return;
        }
        let (Edit::Comment(index)
        | Edit::CommentInside(index)
        | Edit::BlankLine(index)
        | Edit::Value(index, _)
        | Edit::Delete(index)
        | Edit::MoveToFile(index)
        | Edit::Reorder(index)
        | Edit::Rename(index)
        | Edit::Reformat(index)
        | Edit::Variable(index)
        | Edit::Local(index)
        | Edit::ForEach(index)
        | Edit::ModuleCall(index)
        | Edit::OwnBlock(index)
        | Edit::OwnIgnore(index)) = edit
        else {
            return;
        };
        let guests = self.guests();
        if guests.is_empty() {
            return;
        }
        let (path, range, id) = guests[index.index(guests.len())].clone();
        let block = self.files[&path][range.clone()].to_owned();
        let mut replace = |text: String| self.files.get_mut(&path).unwrap().replace_range(range.clone(), &text);
        let memory = block
            .lines()
            .find_map(|line| line.trim().strip_prefix("memory"))
            .map(|rest| rest.trim_start_matches([' ', '=']).to_owned());
        let address = block.split('"').nth(3).unwrap_or_default().to_owned();
        let with_memory = |value: &str| {
            let lines = block.split_inclusive('\n').map(|line| match line.trim_start().starts_with("memory") {
                true => format!("{}= {value}\n", &line[..line.find('=').unwrap()]),
                false => line.to_owned(),
            });
            lines.collect::<String>()
        };
        match edit {
            Edit::Comment(_) => {
                replace(format!("# Own {number}.\n{block}"));
                self.own.push(format!("# Own {number}."));
            }
            Edit::CommentInside(_) => {
                let lines: Vec<&str> = block.split_inclusive('\n').collect();
                let at = lines.iter().position(|line| line.trim_start().starts_with("vm_id")).unwrap_or(1);
                let text = format!("{}  # Own {number}.\n{}", lines[..at].concat(), lines[at..].concat());
                replace(text);
                self.own.push(format!("# Own {number}."));
            }
            Edit::BlankLine(_) => replace(block.replacen(" {\n", " {\n\n", 1)),
            Edit::Value(_, value) if memory.as_deref().is_some_and(|text| text.parse::<u32>().is_ok()) => {
                replace(with_memory(&(value * 1024).to_string()));
            }
            Edit::Delete(_) => {
                replace(String::new());
                self.deleted.insert(id);
                let own = block.lines().map(str::trim).map(str::to_owned).collect::<BTreeSet<_>>();
                self.own.retain(|line| !own.contains(line));
            }
            Edit::MoveToFile(_) => {
                replace(String::new());
                self.files
                    .entry(format!("terraform/own_{}.tf", number % 3))
                    .or_default()
                    .push_str(&format!("\n{block}"));
            }
            Edit::Reorder(_) => {
                replace(String::new());
                self.files.get_mut(&path).unwrap().push_str(&format!("\n{block}"));
            }
            Edit::Rename(_) => {
                let now = format!("own{number}");
                let moved = format!("moved {{\n  from = vm.{address}\n  to   = vm.{now}\n}}\n");
                replace(format!("{}\n{moved}", block.replacen(&format!("\"{address}\""), &format!("\"{now}\""), 1)));
                self.own.extend([format!("from = vm.{address}"), format!("to   = vm.{now}")]);
                for text in self.files.values_mut() {
                    *text = text.replace(&format!("  to = vm.{address}\n"), &format!("  to = vm.{now}\n"));
                    *text = text.replace(&format!("  to = vm.{address}\r\n"), &format!("  to = vm.{now}\r\n"));
                }
            }
            Edit::Reformat(_) => {
                let lines = block.split_inclusive('\n').map(|line| match line.split_once(" = ") {
                    Some((name, value)) if !line.contains("<<") => format!("\t{} =   {value}", name.trim()),
                    _ => line.to_owned(),
                });
                let text: String = lines.collect();
                self.own.retain(|line| text.contains(line.as_str()) || !block.contains(line.as_str()));
                replace(text);
            }
            Edit::Variable(_) => {
                let Some(memory) = memory.filter(|text| text.parse::<u32>().is_ok()) else { return };
                replace(with_memory(&format!("var.memory{number}")));
                let text = format!("\nvariable \"memory{number}\" {{\n  default = {memory} # Own {number}.\n}}\n");
                self.files.entry("terraform/own_variables.tf".to_owned()).or_default().push_str(&text);
                self.own.extend([format!("# Own {number}."), format!("variable \"memory{number}\"")]);
            }
            Edit::Local(_) => {
                let Some(memory) = memory.filter(|text| text.parse::<u32>().is_ok()) else { return };
                let both = with_memory(&format!("local.memory{number}"));
                replace(both);
                let text = format!("\nlocals {{\n  # Own {number}.\n  memory{number} = {memory}\n}}\n");
                self.files.entry("terraform/own_locals.tf".to_owned()).or_default().push_str(&text);
                self.own.push(format!("# Own {number}."));
            }
            Edit::ForEach(_) => {
                let Some(memory) = memory.filter(|text| text.parse::<u32>().is_ok()) else { return };
                let text = with_memory("each.value.memory").replacen(
                    " {\n",
                    &format!(" {{\n  for_each = local.each{number}\n\n"),
                    1,
                );
                let locals = format!(
                    "locals {{\n  each{number} = {{\n    k = {{ memory = {memory} }} # Own {number}.\n  }}\n}}\n"
                );
                replace(
                    format!("{}\n{locals}", text.replace(&format!("vm_id       = {id}"), "vm_id = ID"))
                        .replace("vm_id = ID", &format!("vm_id = {id}")),
                );
                self.own.extend([format!("# Own {number}."), format!("for_each = local.each{number}")]);
                self.instance(&address, &format!("vm.{address}[\"k\"]"), number);
            }
            Edit::ModuleCall(_) => {
                let Some(memory) = memory.filter(|text| text.parse::<u32>().is_ok()) else { return };
                let inner = with_memory("var.memory").replacen(&format!("\"{address}\""), "\"this\"", 1);
                let folder = format!("terraform/module{number}");
                self.files.get_mut(&path).unwrap().replace_range(
                    range,
                    &format!("module \"m{number}\" {{\n  source = \"./module{number}\"\n  memory = {memory} # Own {number}.\n}}\n"),
                );
                self.files.insert(format!("{folder}/main.tf"), format!("variable \"memory\" {{}}\n\n{inner}"));
                self.own.push(format!("# Own {number}."));
                self.instance(&address, &format!("module.m{number}.vm.this"), number);
            }
            Edit::OwnBlock(_) => {
                self.files
                    .get_mut(&path)
                    .unwrap()
                    .push_str(&format!("\noutput \"own{number}\" {{\n  value = {number}\n}}\n"));
                self.own.push(format!("output \"own{number}\""));
            }
            Edit::OwnIgnore(_) => {
                replace(block.replacen(
                    "  lifecycle {\n",
                    &format!("  lifecycle {{\n    # Own {number}.\n    own{number} = false\n"),
                    1,
                ));
                self.own.push(format!("# Own {number}."));
            }
            _ => {}
        }
    }

    /// The `moved` block and the import of an object that became an instance.
    fn instance(&mut self, address: &str, now: &str, number: usize) {
        let moved = format!("\nmoved {{\n  from = vm.{address}\n  to   = {now}\n}}\n");
        self.files.entry(format!("terraform/moved_{number}.tf")).or_default().push_str(&moved);
        for text in self.files.values_mut() {
            *text = text.replace(&format!("  to = vm.{address}\n"), &format!("  to = {now}\n"));
            *text = text.replace(&format!("  to = vm.{address}\r\n"), &format!("  to = {now}\r\n"));
        }
    }
}

/// Lines of a tree, without their indentation.
fn lines(files: &Files) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for line in files.values().flat_map(|text| text.lines()) {
        *lines.entry(line.trim().to_owned()).or_default() += 1;
    }
    lines
}

fn check(before: &Cluster, after: &Cluster, edits: &[Edit]) {
    let (base, theirs) = (generate(before), generate(after));
    let mut person = Person { files: base.clone(), own: Vec::new(), deleted: BTreeSet::new(), count: 0 };
    edits.iter().for_each(|edit| person.edit(edit));
    let ours = person.files;
    let result = merge_files(&base, &theirs, &ours, &[]);
    let tree = merged(&ours, &result);
    let shown = || {
        let show = |files: &Files| files.iter().map(|(path, text)| format!("@ {path}\n{text}")).collect::<String>();
        format!(
            "{edits:?}\nBASE\n{}THEIRS\n{}OURS\n{}MERGED\n{}{:#?}{:#?}",
            show(&base),
            show(&theirs),
            show(&ours),
            show(&tree),
            result.conflicts,
            result.notices
        )
    };
    // Nothing that the person wrote is gone.
    let (here, kept) = (lines(&ours), lines(&tree));
    for own in &person.own {
        let count =
            |lines: &BTreeMap<String, usize>| lines.iter().filter(|(line, _)| line.contains(own.as_str())).count();
        assert!(count(&here) == 0 || count(&kept) > 0, "`{own}` is gone\n{}", shown());
    }
    let told: BTreeSet<&str> = result.notices.iter().map(|notice| notice.object.as_str()).collect();
    let trees = [Side::Ours, Side::Theirs].map(|side| resolved(&tree, side));
    for tree in &trees {
        is_consistent(tree, &shown);
    }
    let taken = &trees[1];
    // Each change of the cluster is there, or in a conflict, or told.
    let configuration = Configuration::read(taken, "terraform");
    let mut ids: BTreeMap<String, &Instance> = BTreeMap::new();
    for instance in configuration.instances() {
        let id = configuration.value(instance, &Path::of("vm_id")).map(|id| id.to_string()).unwrap_or_default();
        ids.insert(id, instance);
    }
    let (generated_before, generated_after) =
        (Configuration::read(&base, "terraform"), Configuration::read(&theirs, "terraform"));
    let mut paths = ["node_name", "name", "description", "tags", "memory", "cores"].map(str::to_owned).to_vec();
    paths.extend((0..3).map(|disk| format!("disk[interface=scsi{disk}].size")));
    paths.extend((0..3).map(|device| format!("network_device[{device}].bridge")));
    for id in after.keys() {
        let identity = format!("qemu/{id}");
        let Some(instance) = ids.get(&id.to_string()) else {
            assert!(before.contains_key(id) && person.deleted.contains(id), "{identity} is nowhere\n{}", shown());
            continue;
        };
        let value = |configuration: &Configuration<'_>, instance: &Instance, path: &str| {
            configuration
                .value(instance, &path.parse().unwrap())
                .map(|value| value.to_string().trim_matches('"').to_owned())
        };
        let generated = |configuration: &Configuration<'_>, path: &str| {
            let instance = configuration.instance(&format!("vm.g{id}").parse().unwrap())?;
            value(configuration, instance, path)
        };
        for path in &paths {
            let (was, is) = (generated(&generated_before, path), generated(&generated_after, path));
            let here = value(&configuration, instance, path);
            let is_fine = was == is || here == is || told.contains(&*identity);
            assert!(is_fine, "{identity} {path} is not {is:?} but {here:?}\n{}", shown());
        }
    }
    // Merged again, nothing changes.
    let again = merge_files(&theirs, &theirs, taken, &[]);
    assert!(again.files.is_empty(), "merged again: {:#?}\n{}", again.files, shown());
    // An address of its own: the places are true.
    let generated: Vec<GeneratedObject> = objects(&theirs)
        .into_iter()
        .map(|(identity, object)| GeneratedObject {
            identity,
            address: object.address.parse::<Address>().unwrap(),
            import_id: object.import_id,
        })
        .collect();
    let placements = configuration.locate(&generated, &Keys, &[]);
    for (identity, place) in &result.places {
        let found = placements.objects[identity].address.as_ref().map(ToString::to_string).unwrap_or_default();
        assert_eq!(found, place.address, "{identity}\n{}", shown());
    }
}

/// A side of a conflict.
#[derive(Clone, Copy)]
enum Side {
    Ours,
    Theirs,
}

/// The tree of a person who takes one side of every conflict.
fn resolved(tree: &Files, side: Side) -> Files {
    let resolve = |text: &String| {
        let mut place = None;
        let keep = |line: &&str| {
            let marker = [(OURS, Some(Side::Ours)), (BASE, None), (MIDDLE, Some(Side::Theirs)), (THEIRS, None)]
                .into_iter()
                .find(|(marker, _)| line.trim_end() == *marker);
            match (marker, place) {
                (Some((marker, next)), _) => {
                    place = Some(next).filter(|_| marker != THEIRS);
                    false
                }
                (None, None) => true,
                (None, Some(inside)) => {
                    matches!((inside, side), (Some(Side::Ours), Side::Ours) | (Some(Side::Theirs), Side::Theirs))
                }
            }
        };
        text.split_inclusive('\n').filter(keep).collect::<String>()
    };
    tree.iter().map(|(path, text)| (path.clone(), resolve(text))).collect()
}

/// Every file is code, and no object is there twice.
fn is_consistent(tree: &Files, shown: &dyn Fn() -> String) {
    for (path, text) in tree.iter().filter(|(path, _)| path.ends_with(".tf")) {
        assert!(Document::parse(text).is_ok(), "{path} is no code\n{text}\n{}", shown());
    }
    let configuration = Configuration::read(tree, "terraform");
    let mut ids = BTreeMap::new();
    for instance in configuration.instances() {
        let id = configuration.value(instance, &Path::of("vm_id")).map(|id| id.to_string());
        if let Some(other) = ids.insert(id, &instance.address) {
            panic!("{} and {} are one object\n{}", other, instance.address, shown());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_is_there_twice(
        (before, after) in clusters(),
        edits in proptest::collection::vec(edit(), 0..6),
    ) {
        check(&before, &after, &edits);
    }

    #[test]
    fn a_tree_that_nobody_edited_becomes_theirs((before, after) in clusters()) {
        let (base, theirs) = (generate(&before), generate(&after));
        let result = merge_files(&base, &theirs, &base, &[]);
        assert_eq!(merged(&base, &result), theirs);
        assert!(result.conflicts.is_empty() && result.notices.is_empty() && result.edits.is_empty());
    }

    #[test]
    fn a_comment_at_the_end_changes_nothing_else((before, after) in clusters()) {
        let (base, theirs) = (generate(&before), generate(&after));
        let own = |files: &Files| -> Files {
            files.iter().map(|(path, text)| (path.clone(), format!("{text}\n# Own.\n"))).collect()
        };
        let ours = own(&base);
        let result = merge_files(&base, &theirs, &ours, &[]);
        let tree = merged(&ours, &result);
        assert_eq!(tree, own(&theirs), "{:#?}", result.conflicts);
    }
}
