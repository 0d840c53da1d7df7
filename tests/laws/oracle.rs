//! Oracle of the odd corners: they come out as their table says, which was compared with the real provider row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use hcl_edit::expr::Expression;
use hcl_edit::parser::parse_body;
use hcl_edit::structure::Block;
use proxmox_mpc_generators::Generated;
use proxmox_mpc_generators::coverage::Outcome;
use proxmox_mpc_model::Identity;

use crate::support::clusters::{fixture, generated, place, terraform};

/// Attributes that every container and every storage ignores, beside those in the table.
const ALWAYS: [&str; 8] = [
    "timeout_clone",
    "timeout_create",
    "timeout_delete",
    "timeout_start",
    "timeout_update",
    "vm_id",
    "operating_system[0].template_file_id",
    "backups",
];

/// Kinds in the table.
const KINDS_IN_TABLE: [&str; 10] =
    ["qemu", "lxc", "storage", "user", "group", "role", "token", "acl", "realm", "realm-sync"];

#[test]
fn the_odd_corners_come_out_as_written() {
    let made = generated(&fixture("odd-corners"));
    let ignored = ignored(&made);
    let table = table();
    assert!(table.len() > 270, "{} rows", table.len());
    let mut differs = Vec::new();
    for row in &table {
        let (outcome, paths) = match made.coverage.objects.get(&row.identity).map(|object| &object.outcome) {
            Some(Outcome::Terraform { address }) => {
                let paths = ignored.get(address).cloned().unwrap_or_default();
                let word = if paths.is_empty() { "code" } else { "ignore" };
                (word, paths)
            }
            Some(Outcome::NotImportable { reason, remedy } | Outcome::Ansible { reason, remedy, .. }) => {
                assert!(!reason.is_empty(), "{}", row.identity);
                assert!(remedy.is_some() || !row.remedy, "{}: nothing helps", row.identity);
                ("aside", BTreeSet::new())
            }
            Some(Outcome::BuiltIn) => ("built in", BTreeSet::new()),
            Some(other) => panic!("{other:?}"),
            None if made.unread.iter().any(|unread| unread.identity == row.identity) => ("unread", BTreeSet::new()),
            None => ("forgotten", BTreeSet::new()),
        };
        if (outcome, &paths) != (row.outcome.as_str(), &row.ignored) {
            differs.push(format!("{}: {outcome} {paths:?}, not {} {:?}", row.identity, row.outcome, row.ignored));
        }
    }
    assert!(differs.is_empty(), "{differs:#?}");
    let known: BTreeSet<&Identity> = table.iter().map(|row| &row.identity).collect();
    for identity in made.coverage.objects.keys().filter(|one| KINDS_IN_TABLE.contains(&one.prefix())) {
        assert!(known.contains(identity), "{identity} is not in the table");
    }
}

#[test]
fn members_come_out_by_their_pool() {
    let made = generated(&fixture("odd-corners"));
    let mut counts: BTreeMap<(bool, &str), usize> = BTreeMap::new();
    for (identity, object) in &made.coverage.objects {
        match (identity.prefix(), &object.outcome) {
            ("pool", outcome) => assert!(matches!(outcome, Outcome::Terraform { .. }), "{identity}"),
            ("membership", outcome) => {
                let nested = identity.id().starts_with("prod/web");
                let word = match outcome {
                    Outcome::Terraform { address } if address.ends_with(".pool_id") => "within",
                    Outcome::Terraform { .. } => "code",
                    Outcome::NotImportable { .. } | Outcome::Ansible { .. } => "aside",
                    other => panic!("{other:?}"),
                };
                assert_eq!(nested, word != "code", "{identity}");
                *counts.entry((nested, word)).or_default() += 1;
            }
            _ => {}
        }
    }
    assert!(counts.len() == 3, "one of each: {counts:?}");
}

/// One row of the table.
struct Row {
    identity: Identity,
    outcome: String,
    ignored: BTreeSet<String>,
    remedy: bool,
}

/// `| identity | name | outcome | ignored | why | remedy |` of `fixtures/README.md`.
fn table() -> Vec<Row> {
    let text = fs::read_to_string(place("README.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (prefix, id) = cells.get(1)?.split_once('/')?;
        if !KINDS_IN_TABLE.contains(&prefix) {
            return None;
        }
        let words = |cell: &str| cell.split(", ").map(|word| word.trim_matches('`').to_owned()).collect::<Vec<_>>();
        Some(Row {
            identity: Identity::new(prefix, id),
            outcome: cells[3].to_owned(),
            ignored: words(cells[4]).into_iter().filter(|word| !word.is_empty()).collect(),
            remedy: !cells[6].is_empty(),
        })
    };
    text.lines().filter_map(row).collect()
}

/// Ignored attributes of each address, without those that all of its kind ignore.
pub(super) fn ignored(made: &Generated) -> BTreeMap<String, BTreeSet<String>> {
    let mut ignored = all_ignored(made);
    // Of every mount point that is a volume of the container's own.
    let own_volume = |path: &str| path.starts_with("mount_point[") && path.ends_with("].volume");
    for paths in ignored.values_mut() {
        paths.retain(|path| !ALWAYS.contains(&path.as_str()) && !own_volume(path));
    }
    ignored
}

/// Ignored attributes of each address.
pub(super) fn all_ignored(made: &Generated) -> BTreeMap<String, BTreeSet<String>> {
    let mut ignored = BTreeMap::new();
    for (_, text) in terraform(&made.files) {
        for block in parse_body(text).unwrap().get_blocks("resource") {
            let address: Vec<&str> = block.labels.iter().map(hcl_edit::structure::BlockLabel::as_str).collect();
            ignored.insert(address.join("."), ignore_changes(block));
        }
    }
    ignored
}

fn ignore_changes(block: &Block) -> BTreeSet<String> {
    let lifecycle = block.body.get_blocks("lifecycle").next();
    let list = lifecycle.and_then(|lifecycle| lifecycle.body.get_attribute("ignore_changes")).map(|one| &one.value);
    let Some(Expression::Array(paths)) = list else { return BTreeSet::new() };
    paths.iter().map(|path| path.to_string().trim().to_owned()).collect()
}
