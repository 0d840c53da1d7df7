//! Truth of the coverage: what it says of a value is true of the code, and the code means what Proxmox means, in every
//! spelling of the value.

use std::collections::BTreeMap;

use proxmox_mpc_generators::coverage::{Fate, ObjectCoverage, Outcome};
use proxmox_mpc_generators::{Generated, Options, Previous, generate};
use proxmox_mpc_model::schema::{Domain, Release};
use proxmox_mpc_model::{Identity, boolean};

use super::guests::{Guest, Line, Part, Sort, guest, loaded, smallest};
use super::meaning::{self, full_name};
use super::samples;
use crate::support::clusters::terraform;

/// The code of one guest, without comments and without what names it, and what became of its keys.
struct ImportedGuest {
    code: String,
    coverage: ObjectCoverage,
}

/// Code and coverage of each of these guests; `None` for one whose file Proxmox would not read unchanged.
fn seen(guests: &[Guest]) -> Vec<Option<ImportedGuest>> {
    let loaded = loaded(guests);
    let mut made = generate(&loaded.answers, &Options::default(), &Previous::default()).expect("it can be read");
    let code = code(&made);
    let seen = |guest: &Guest| {
        let file = format!("/{}.conf", guest.id);
        if loaded.warnings.iter().any(|warning| warning.contains(&file)) {
            return None;
        }
        let identity = Identity::new(guest.sort.word(), guest.id);
        let coverage = made.coverage.objects.remove(&identity)?;
        let code = code.get(&identity.to_string()).cloned().unwrap_or_default();
        Some(ImportedGuest { code: code.replace(&guest.id.to_string(), "ID"), coverage })
    };
    guests.iter().map(seen).collect()
}

/// The block and the tasks of each object.
fn code(made: &Generated) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let objects = made.coverage.objects.iter();
    let of_address: BTreeMap<&str, String> = objects
        .filter_map(|(identity, object)| match &object.outcome {
            Outcome::Terraform { address } => Some((address.as_str(), identity.to_string())),
            _ => None,
        })
        .collect();
    for (_, text) in terraform(&made.files) {
        for block in text.split("\nresource ").skip(1) {
            let (head, rest) = block.split_once('\n').unwrap_or((block, ""));
            let labels: Vec<&str> = head.split('"').collect();
            let address = format!("{}.{}", labels[1], labels[3]);
            let block = rest.split("\n}\n").next().unwrap_or_default();
            found.entry(of_address[address.as_str()].clone()).or_default().push_str(&without_comments(block));
        }
    }
    for (_, text) in made.files.iter().filter(|(path, _)| path.ends_with("/tasks/main.yml")) {
        for task in text.split("\n\n") {
            // The first one stands behind the header of the file.
            let task = task.rsplit_once("---\n").map_or(task, |(_, task)| task);
            if let Some((identity, rest)) = task.strip_prefix("# ").and_then(|task| task.split_once('\n')) {
                found.entry(identity.to_owned()).or_default().push_str(&without_comments(rest));
            }
        }
    }
    found
}

/// Code without comments.
fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Fate of a part, or of its key.
fn fate<'s>(seen: &'s ImportedGuest, line: &Line, part: &Part) -> &'s Fate {
    let keys = &seen.coverage.keys;
    keys.get(&line.path(part)).or_else(|| keys.get(&line.key)).unwrap_or(&Fate::NotCovered)
}

/// Reports whether the fate gives a reason why the value is not Terraform's.
fn has_reason(fate: &Fate) -> bool {
    match fate {
        Fate::Ansible(reason) | Fate::NotExpressible(reason) => !reason.is_empty(),
        _ => false,
    }
}

/// Number of a guest, whose digits are in no value of a key.
const FIRST: u32 = 777_000;

/// Values that the provider writes for attributes that the code does not set (docs/provider.md). Proxmox has another
/// default, which no code can express.
const PROVIDER_DEFAULTS: &[(Sort, &str, &str)] = &[
    (Sort::Qemu, "cpu.cputype", "qemu64"),
    (Sort::Qemu, "keyboard", "en-us"),
    (Sort::Lxc, "cores", "1"),
    (Sort::Lxc, "ostype", "unmanaged"),
];

/// Reports whether a value is the default of Proxmox, or of the provider.
fn is_default(sort: Sort, line: &Line, part: &Part) -> bool {
    let full_name = full_name(&line.key, &part.name);
    PROVIDER_DEFAULTS.contains(&(sort, &full_name, &part.value))
        || meaning::is_default(&line.key, &part.name, &part.value, part.parameter)
}

/// Copy of the guest with a switch in Proxmox's own spelling.
fn respelled(guest: &Guest, line: usize, part: usize, truth: bool) -> Guest {
    let mut guest = guest.clone();
    guest.lines[line].parts[part].value = u8::from(truth).to_string();
    guest
}

/// A part of a guest with the guests that tell the truth about it: the one in Proxmox's own spelling, and the one
/// without it.
struct Question<'g> {
    line: &'g Line,
    part: &'g Part,
    plain: Option<Guest>,
    without: Guest,
}

/// Every part of a guest.
fn questions(guest: &Guest) -> Vec<Question<'_>> {
    let lines = guest.lines.iter().enumerate();
    let places = lines.flat_map(|(line, found)| (0..found.parts.len()).map(move |part| (line, part)));
    let question = |(line, part): (usize, usize)| {
        let (found, value) = (&guest.lines[line], &guest.lines[line].parts[part]);
        let truth = matches!(Release::NEWEST.schema().domain(value.parameter), Domain::Boolean)
            .then(|| boolean::parse(&value.value));
        let odd = truth.flatten().filter(|_| !matches!(value.value.as_str(), "0" | "1"));
        let plain = odd.map(|truth| respelled(guest, line, part, truth));
        Question { line: found, part: value, plain, without: guest.without(line, part) }
    };
    places.map(question).collect()
}

/// False statement about one part of a guest.
fn false_statement(
    sort: Sort,
    question: &Question<'_>,
    all: &ImportedGuest,
    plain: Option<&ImportedGuest>,
    without: Option<&ImportedGuest>,
) -> Option<String> {
    let fate = fate(all, question.line, question.part);
    // Ansible writes the whole of an object as its file has it.
    let is_code = matches!(all.coverage.outcome, Outcome::Terraform { .. });
    if is_code && plain.is_some_and(|plain| plain.code != all.code) && !has_reason(fate) {
        return Some("the code of a switch in another word is another".to_owned());
    }
    match fate {
        Fate::NotCovered => Some("it has no row".to_owned()),
        _ if is_default(sort, question.line, question.part) => None,
        Fate::Default => Some("counts as default, and is none".to_owned()),
        Fate::Terraform | Fate::Ansible(_) if without.is_some_and(|rest| rest.code == all.code) => {
            Some(format!("counts as {}, and no code changes without it", fate.word()))
        }
        _ => None,
    }
}

/// All false statements about a guest: the part and the fault.
fn false_statements(guest: &Guest) -> Vec<(String, String)> {
    let questions = questions(guest);
    let mut asked = vec![guest.clone()];
    for question in &questions {
        asked.extend(question.plain.iter().cloned());
        asked.push(question.without.clone());
    }
    let asked: Vec<Guest> = asked.iter().zip(guest.id..).map(|(guest, id)| guest.renumbered(id)).collect();
    let mut seen = seen(&asked).into_iter();
    let Some(all) = seen.next().flatten() else { return Vec::new() };
    if matches!(all.coverage.outcome, Outcome::NotImportable { .. }) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for question in &questions {
        let plain = if question.plain.is_some() { seen.next().flatten() } else { None };
        let without = seen.next().flatten();
        if let Some(false_statement) = false_statement(guest.sort, question, &all, plain.as_ref(), without.as_ref()) {
            found.push((full_name(&question.line.key, &question.part.name), false_statement));
        }
    }
    found
}

/// Checks the law for one sort of guests; prints each false statement once, with the smallest guest that shows it.
fn check(sort: Sort, cases: u32) {
    let mut found: BTreeMap<(String, String), Guest> = BTreeMap::new();
    for guest in samples(guest(sort, FIRST), cases) {
        for false_statement in false_statements(&guest) {
            found
                .entry(false_statement.clone())
                .or_insert_with(|| smallest(&guest, |less| false_statements(less).contains(&false_statement)));
        }
    }
    let lines = found.iter().map(|((path, why), guest)| format!("{path}: {why}\n{}", guest.text()));
    assert!(found.is_empty(), "{} false_statements\n{}", found.len(), lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_is_said_of_virtual_machines_is_true() {
    check(Sort::Qemu, 60);
}

#[test]
fn what_is_said_of_containers_is_true() {
    check(Sort::Lxc, 60);
}
