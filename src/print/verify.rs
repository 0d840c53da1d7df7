//! A proof for people: Terraform's numbers last, what differs and what to do before them.

use std::collections::BTreeMap;

use proxmox_mpc_engine::toolchain::terraform::Action;
use proxmox_mpc_engine::verify::{Against, ExplainedDifference, ExplainedError, Explanation, Proof, root, sides};
use proxmox_mpc_generators::bpg;

use super::Printed;
use crate::ui::Page;

/// Longer lists are cut: an error may leave every object out.
const MOST: usize = 20;
/// How many objects a line names.
const NAMED: usize = 4;
/// How much of a value a line shows, in characters: a description can be a book.
const LONGEST: usize = 100;

impl Printed for Proof {
    fn page(&self, page: &mut Page) {
        for errors in alike(&self.errors) {
            failed(&errors, page);
        }
        for difference in &self.differences {
            differs(difference, page);
        }
        lacks(self, page);
        warns(self, page);
        live(self, page);
        page.blank();
        origin(self, page);
        verdict(self, page);
    }
}

fn lacks(proof: &Proof, page: &mut Page) {
    // Without a plan everything is missing from it.
    if proof.missing.is_empty() || proof.counts.is_none() {
        return;
    }
    let (removed, missing): (Vec<&String>, Vec<&String>) = proof
        .missing
        .iter()
        .filter(|address| !proof.renamed.iter().any(|(before, _)| before == *address))
        .partition(|address| proof.removed.contains(address));
    let renamed: Vec<String> = proof.renamed.iter().map(|(before, now)| format!("{before} is now {now}")).collect();
    listed(page, "Renamed in the code, and not in manifest.json:", &renamed.iter().collect::<Vec<_>>());
    if !renamed.is_empty() {
        page.line("  what to do: Give the objects their new names in the mapping (`proxmox-mpc import --dry-run --output json`,");
        page.line("  then `--mapping` and `--force`), so that the next import keeps them; or put the old names back.");
    }
    listed(page, "Removed from the code, but still in manifest.json and in Proxmox:", &removed);
    if !removed.is_empty() {
        page.line(
            "  what to do: Put the blocks back, or import again with `--force`. To keep objects out of the code,",
        );
        page.line(
            "  set `\"skip\": true` in the mapping (`proxmox-mpc import --dry-run --output json`, then `--mapping`).",
        );
    }
    listed(page, "Not in the plan, although the workspace has them:", &missing);
}

/// Each warning once: Terraform repeats it for every object.
fn warns(proof: &Proof, page: &mut Page) {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for warning in &proof.warnings {
        *counted.entry(warning.summary.trim()).or_default() += 1;
    }
    if counted.is_empty() {
        return;
    }
    page.heading("Warnings of the provider, which change nothing:");
    for (summary, count) in counted {
        page.line(format!("  {count} x {summary}"));
    }
}

fn live(proof: &Proof, page: &mut Page) {
    if !proof.live_refusals.is_empty() {
        page.heading(
            "A plan against the cluster (`--live`, `terraform plan`) would be refused with the login of the recording:",
        );
        let mut counted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for refusal in &proof.live_refusals {
            counted.entry(&refusal.privilege).or_default().push(&refusal.identity);
        }
        for (privilege, objects) in counted {
            let named = objects.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = objects.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            page.line(format!("  {privilege}: {named}{more}"));
        }
    }
    if !proof.grants.is_empty() {
        page.heading("The lines that grant what is missing, for the shell of a node, as root:");
        for line in &proof.grants {
            page.line(format!("  {line}"));
        }
        page.line("  (where the role is there already: `pveum role modify ProxmoxMpcPlanner --append 1 --privs …`)");
    }
}

fn origin(proof: &Proof, page: &mut Page) {
    let provider = proof.provider.as_deref().map(|version| format!(", provider {version}")).unwrap_or_default();
    let against = match proof.against {
        Against::Twin => "a twin of the recording",
        Against::Cluster => "the cluster",
    };
    page.line(format!("{}{provider}, against {against}", proof.tool));
    if let Some(told) = other_version(proof) {
        page.line(told);
    }
    if let Some(answers) = proof.answers {
        let total = answers.recorded + answers.derived + answers.unknown;
        page.line(format!(
            "{total} answers: {} as recorded, {} derived, {} not known",
            answers.recorded, answers.derived, answers.unknown
        ));
    }
    if proof.against == Against::Cluster && proof.complete {
        page.line(format!("{} of {} objects are managed already", proof.managed, proof.expected));
    }
}

/// What is to be said of the provider's version: it is not the one that the workspace pins, or one that nobody ran.
fn other_version(proof: &Proof) -> Option<String> {
    let (installed, pinned) = (proof.provider.as_deref()?, proof.pinned.as_deref()?);
    if installed != pinned {
        return Some(format!(
            "The workspace is made for version {pinned} of the provider, and {installed} is installed: \
             `proxmox-mpc import --provider-version` chooses the version that the code pins"
        ));
    }
    let known = bpg::VERSIONS.iter().find(|version| version.number == pinned);
    known.is_none_or(|version| !version.proven).then(|| {
        format!(
            "The rules were seen with version {} of the provider, and nobody ran them with {pinned} before",
            bpg::VERSION
        )
    })
}

fn verdict(proof: &Proof, page: &mut Page) {
    match proof.counts {
        Some(counts) if proof.clean => page.good(counts.to_string()),
        Some(counts) if proof.complete => {
            page.bad(counts.to_string());
            page.line(if counts.changes_nothing() {
                "The plan changes nothing, but the code and manifest.json speak of different objects."
            } else {
                "The code is not the cluster."
            });
        }
        Some(counts) => {
            page.bad(format!("{counts}, but Terraform failed: the plan is incomplete and proves nothing"));
        }
        None => page.bad("Terraform failed before it had a plan: there is no proof"),
    }
}

/// A heading and the first of the addresses.
fn listed(page: &mut Page, heading: &str, addresses: &[&String]) {
    if addresses.is_empty() {
        return;
    }
    page.heading(heading);
    for address in addresses.iter().take(MOST) {
        page.line(format!("  {address}"));
    }
    if addresses.len() > MOST {
        page.line(format!("  … and {} more", addresses.len() - MOST));
    }
}

/// Errors of the same words and cause together: one removed block is missed by everything that refers to it.
fn alike(errors: &[ExplainedError]) -> Vec<Vec<&ExplainedError>> {
    let mut groups: Vec<Vec<&ExplainedError>> = Vec::new();
    for error in errors {
        let same = |group: &&mut Vec<&ExplainedError>| {
            let first = &group[0].diagnostic;
            (&first.summary, &first.detail) == (&error.diagnostic.summary, &error.diagnostic.detail)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(error),
            None => groups.push(vec![error]),
        }
    }
    groups
}

fn failed(errors: &[&ExplainedError], page: &mut Page) {
    let error = errors[0];
    let addresses: Vec<&str> = errors.iter().filter_map(|error| error.diagnostic.address.as_deref()).collect();
    let more = if addresses.len() > 1 { format!(" and {} more", addresses.len() - 1) } else { String::new() };
    let address = addresses.first().map(|address| format!("{address}{more}: ")).unwrap_or_default();
    page.blank();
    page.bad(format!("{address}{}", error.diagnostic.summary.trim_end()));
    for line in error.diagnostic.detail.lines() {
        page.line(format!("  {line}"));
    }
    explained(error.explanation.as_slice(), page);
}

fn differs(found: &ExplainedDifference, page: &mut Page) {
    let difference = &found.difference;
    let action = match difference.action {
        Action::Create => "would be created",
        Action::Update => "would be changed",
        Action::Replace => "would be REPLACED: destroyed and made again",
        Action::Destroy => "would be DESTROYED",
        Action::Other => "would be touched",
    };
    page.heading(format!("{} {action}", difference.address));
    // Most of a replacement follows from the attribute that forces it.
    let (others, told): (Vec<_>, Vec<_>) = difference
        .attributes
        .iter()
        .partition(|attribute| !attribute.replaces && found.following.contains(root(&attribute.path)));
    for attribute in told {
        let replaces = if attribute.replaces { "  (forces the replacement)" } else { "" };
        let (before, after) = sides(&attribute.before, &attribute.after, LONGEST);
        page.line(format!("  {}: {before} -> {after}{replaces}", attribute.path));
    }
    if !others.is_empty() {
        page.line(format!("  and {} more, which come with the replacement", others.len()));
    }
    explained(&found.explanations, page);
}

/// Each reason once, those that want the same together, with what that is behind them.
fn explained(explanations: &[Explanation], page: &mut Page) {
    let mut remedies: Vec<&str> = Vec::new();
    for explanation in explanations {
        if !remedies.contains(&&*explanation.what_to_do) {
            remedies.push(&explanation.what_to_do);
        }
    }
    for remedy in remedies {
        let mut reasons: Vec<&str> = Vec::new();
        for explanation in explanations.iter().filter(|explanation| explanation.what_to_do == remedy) {
            if !reasons.contains(&&*explanation.why) {
                reasons.push(&explanation.why);
                page.line(format!("  why: {}", explanation.why));
            }
        }
        page.line(format!("  what to do: {remedy}"));
    }
}
