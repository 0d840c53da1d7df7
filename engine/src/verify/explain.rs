//! Explanations of differences and errors: changes of the code come first, then known causes in the provider.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::operation::event::Diagnostic;
use crate::toolchain::terraform::{Action, AttributeDifference, Difference};
use crate::verify::comparison::{CodeChange, Comparison, Origin};
use crate::verify::known_causes::{
    ANY, CONTAINER, CREATED, DESTROYED, ERRORS, GOES_ALONG, IMPORT_AGAIN, KnownCause, STORAGE, VM,
};
use crate::verify::proof::{Against, ExplainedDifference, ExplainedError, Explanation};
use crate::verify::values::sides;

impl From<KnownCause> for Explanation {
    fn from(known: KnownCause) -> Self {
        Self { attribute: known.attribute.into(), why: known.why.into(), what_to_do: known.what_to_do.into() }
    }
}

impl Explanation {
    fn new(attribute: &str, why: impl Into<Cow<'static, str>>, what_to_do: impl Into<Cow<'static, str>>) -> Self {
        Self { attribute: attribute.to_owned().into(), why: why.into(), what_to_do: what_to_do.into() }
    }
}

const INTENDED: &str = "If you mean it, `proxmox-mpc rehearse` shows what applying it would do; if not, put the old value \
                        back, or import again with `--force`, which overwrites the file and keeps a copy.";
const DANGEROUS: &str = "Do not apply: the object would be destroyed and created again. Put the old value back, or import \
                         again with `--force`, which overwrites the file and keeps a copy.";
const FOLLOWS: &str = "Another attribute of this object was changed in the code, and this follows from it.";

/// The number of attributes that one sentence names.
const NAMED: usize = 3;
/// The length at which values in sentences are cut, in characters.
const SHORT: usize = 60;

/// Maker of explanations.
pub(super) struct Explainer<'c> {
    /// The side that the code was planned against.
    pub(super) against: Against,
    /// The comparison of the code with a new import, if there is a recording.
    pub(super) comparison: Option<&'c Comparison>,
}

impl Explainer<'_> {
    /// Adds explanations to a difference, one for each attribute.
    pub(super) fn difference(&self, difference: Difference) -> ExplainedDifference {
        if let Some(explanation) = self.import_id(&difference.address) {
            let following = difference.attributes.iter().map(|attribute| root(&attribute.path).to_owned()).collect();
            return ExplainedDifference { difference, explanations: vec![explanation], following };
        }
        let mut explanations = self.explanations(&difference);
        let mut following = BTreeSet::new();
        if difference.action == Action::Replace {
            let follows = |explanation: &Explanation| explanation.why == FOLLOWS;
            let extracted = explanations.extract_if(.., |explanation| follows(explanation));
            following.extend(extracted.map(|explanation| explanation.attribute.into_owned()));
        }
        ExplainedDifference { difference, explanations, following }
    }

    fn explanations(&self, difference: &Difference) -> Vec<Explanation> {
        let mut explanations: Vec<Explanation> = Vec::new();
        for attributes in by_name(&difference.attributes) {
            let explanation = self.attribute(difference, &attributes);
            if !explanations.contains(&explanation) {
                explanations.push(explanation);
            }
        }
        // An explanation of an attribute says more than the general one.
        if explanations.iter().any(|explanation| !explanation.attribute.is_empty()) {
            explanations.retain(|explanation| !explanation.attribute.is_empty());
        }
        match difference.action {
            Action::Create => explanations.push(self.created(&difference.address)),
            Action::Destroy => explanations.push(self.destroyed(&difference.address)),
            Action::Update | Action::Replace | Action::Other => {}
        }
        explanations
    }

    /// Explains the differences of one attribute.
    fn attribute(&self, difference: &Difference, attributes: &[&AttributeDifference]) -> Explanation {
        let name = root(&attributes[0].path);
        let address = &difference.address;
        let known = known(address, name);
        let remedy = if difference.action == Action::Replace { DANGEROUS } else { INTENDED };
        let origin = self.comparison.map_or(Origin::Unknown, |comparison| comparison.attribute(address, name));
        match origin {
            Origin::Changed(change) => {
                let sentence = self.sentence(address, attributes, &change);
                Explanation::new(name, format!("The code was changed since the import: {sentence}."), remedy)
            }
            Origin::Own(change) => Explanation::new(name, self.sentence(address, attributes, &change) + ".", remedy),
            Origin::Older(change) => {
                let sentence = self.sentence(address, attributes, &change);
                Explanation::new(name, format!("The code comes from another recording: {sentence}."), IMPORT_AGAIN)
            }
            Origin::NoLongerIgnored(place) => {
                let why = match known {
                    Some(known) => known.why,
                    None => "An import leaves it to Proxmox.",
                };
                let why = format!("`{name}` was removed from `ignore_changes` ({place}). {why}");
                Explanation::new(name, why, "Put it back there.")
            }
            Origin::AsGenerated if goes_along(name) => known.unwrap_or(ANY[0]).into(),
            Origin::AsGenerated
                if self.comparison.is_some_and(|comparison| !comparison.changed(address).is_empty()) =>
            {
                Explanation::new(name, FOLLOWS, GOES_ALONG)
            }
            Origin::AsGenerated if self.against == Against::Cluster => {
                let values = self.values(attributes, None);
                let why = format!("The cluster was changed since the import, and the code was not: {values}.");
                Explanation::new(name, why, IMPORT_AGAIN)
            }
            Origin::AsGenerated => known.unwrap_or(ANY[0]).into(),
            Origin::Unknown => match known {
                Some(known) => {
                    let why = format!("The code and {} differ. One known cause: {}", self.other(), known.why);
                    Explanation::new(name, why, known.what_to_do)
                }
                None => ANY[0].into(),
            },
        }
    }

    /// The values in the code with their locations, and those of the other side.
    fn sentence(&self, address: &str, attributes: &[&AttributeDifference], change: &CodeChange) -> String {
        match change {
            CodeChange::Through(reference, place) => format!(
                "`{}` refers to `{reference}` ({place}), which was changed: {}",
                root(&attributes[0].path),
                self.values(attributes, None)
            ),
            CodeChange::Added(_) | CodeChange::Removed(_) | CodeChange::Other(_) => {
                self.values(attributes, Some(address))
            }
        }
    }

    /// The values of both sides, with locations in the code if the address is given. A whole list element that only one side
    /// has leads to one sentence.
    fn values(&self, attributes: &[&AttributeDifference], address: Option<&str>) -> String {
        let mut facts: Vec<String> = Vec::new();
        for attribute in attributes {
            let element = element(&attribute.path);
            let place = address.and_then(|address| self.comparison?.place(address, element.unwrap_or(&attribute.path)));
            let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
            let siblings: Vec<_> = attributes.iter().filter(|other| self::element(&other.path) == element).collect();
            let path = element.filter(|_| siblings.len() > 1);
            let fact = match path {
                Some(path) if siblings.iter().all(|sibling| sibling.before.is_null()) => {
                    format!("`{path}` is in the code{place} and not in {}", self.other())
                }
                Some(path) if siblings.iter().all(|sibling| sibling.after.is_null()) => {
                    format!("`{path}` is in {} and not in the code", self.other())
                }
                _ => {
                    let (before, after) = sides(&attribute.before, &attribute.after, SHORT);
                    format!("`{}` is {after} in the code{place} and {before} in {}", attribute.path, self.other())
                }
            };
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
        let more = facts.len().saturating_sub(NAMED);
        facts.truncate(NAMED);
        if more > 0 {
            facts.push(format!("and {more} more"));
        }
        facts.join("; ")
    }

    /// The name of the side that the code was planned against.
    fn other(&self) -> &'static str {
        match self.against {
            Against::Twin => "the recording",
            Against::Cluster => "the cluster",
        }
    }

    /// Explains an `import` block that names another object than an import would: then every attribute differs.
    fn import_id(&self, address: &str) -> Option<Explanation> {
        let (import, expected) = self.comparison?.other_import(address)?;
        let why = format!(
            "The `import` block was changed since the import: its id is `{}` ({}), but the id of the object is `{expected}`.",
            import.id, import.location
        );
        Some(Explanation::new("", why, format!("Write `{expected}` there.")))
    }

    /// The address to which the code imports the object of this address, if it is another one.
    pub(super) fn renamed(&self, address: &str) -> Option<String> {
        self.comparison?.renamed(address).cloned()
    }

    fn created(&self, address: &str) -> Explanation {
        let Some(comparison) = self.comparison else { return CREATED.into() };
        let place = comparison.block(address).map(|place| format!(" ({place})")).unwrap_or_default();
        if comparison.knows(address) {
            let why =
                format!("Nothing imports this object{place} any more: its `import` block was removed from the code.");
            return Explanation::new("", why, "Put the block back, or import again with `--force`.");
        }
        let why = format!("The code has a block{place} that nothing imports, and that is not in the state.");
        Explanation::new("", why, CREATED.what_to_do)
    }

    fn destroyed(&self, address: &str) -> Explanation {
        if !self.comparison.is_some_and(|comparison| comparison.knows(address)) {
            return DESTROYED.into();
        }
        Explanation::new(
            "",
            "Its block was removed from the code since the import, but the state still has the object.",
            "Do not apply: it would be destroyed. Put the block back; or remove the address from the state with \
             `terraform state rm`.",
        )
    }

    /// Adds an explanation to an error.
    pub(super) fn error(&self, diagnostic: Diagnostic) -> ExplainedError {
        let explanation = self.cause(&diagnostic);
        ExplainedError { diagnostic, explanation }
    }

    fn cause(&self, diagnostic: &Diagnostic) -> Option<Explanation> {
        let says = |text: &str| diagnostic.summary.contains(text) || diagnostic.detail.contains(text);
        let addresses = addresses(&diagnostic.detail);
        if let Some(explanation) = addresses.iter().find_map(|address| self.import_id(address)) {
            return Some(explanation);
        }
        if says("has not been declared")
            || says("import target does not exist")
            || says("target resource does not exist")
        {
            let removed = addresses.iter().find_map(|address| self.removed(address));
            if removed.is_some() {
                return removed;
            }
        }
        let protected = says("lifecycle.prevent_destroy");
        let subjects = diagnostic.address.iter().chain(addresses.iter().filter(|_| protected));
        let changed = subjects.into_iter().find_map(|address| self.edited(address, protected));
        let known = ERRORS.iter().find(|(text, _)| says(text)).map(|(_, known)| Explanation::from(*known));
        // `prevent_destroy` is the consequence of a change of the code. Other known errors have their cause elsewhere, even if
        // the code was changed as well.
        if protected { changed.or(known) } else { known.or(changed) }
    }

    /// Explains an error about an object whose block was removed from the code, or renamed.
    fn removed(&self, address: &str) -> Option<Explanation> {
        let comparison = self.comparison?;
        let place = comparison.removed(address)?;
        let why =
            format!("The block of `{address}` was removed from the code: an import writes it into {}.", place.file);
        if let [(stranger, place)] = comparison.strangers(address)[..] {
            let label = stranger.rsplit('.').next().unwrap_or_default();
            let why = format!("{why} `{stranger}` ({place}) may be the same under a new name.");
            let remedy = format!(
                "Give the object its new name in the mapping (`proxmox-mpc import --dry-run --output json`, then \
                 `--mapping`), which renames every reference to `{label}`; or put the old name back."
            );
            return Some(Explanation::new("", why, remedy));
        }
        Some(Explanation::new(
            "",
            why,
            "Put it back, or import again with `--force`. To keep the object out of the code, set `\"skip\": true` in the \
             mapping (`proxmox-mpc import --dry-run --output json`, then `--mapping`).",
        ))
    }

    /// Explains an error about an object whose code was changed.
    fn edited(&self, address: &str, protected: bool) -> Option<Explanation> {
        let comparison = self.comparison?;
        let changed = comparison.changed(address);
        if changed.is_empty() {
            return None;
        }
        let names: Vec<String> = changed.iter().map(|(name, place)| format!("`{name}` ({place})")).collect();
        let why = format!("The code of `{address}` was changed since the import: {}.", names.join(", "));
        Some(if protected {
            let why = format!("{why} Such a change replaces the object, which `prevent_destroy` prevents.");
            Explanation::new("", why, DANGEROUS)
        } else {
            Explanation::new(
                "",
                why,
                "Correct it, or import again with `--force`, which overwrites the file and keeps a copy.",
            )
        })
    }
}

/// Groups the differences of each attribute, in the order of their first ones.
fn by_name(attributes: &[AttributeDifference]) -> Vec<Vec<&AttributeDifference>> {
    let mut groups: Vec<Vec<&AttributeDifference>> = Vec::new();
    for attribute in attributes {
        match groups.iter_mut().find(|group| root(&group[0].path) == root(&attribute.path)) {
            Some(group) => group.push(attribute),
            None => groups.push(vec![attribute]),
        }
    }
    groups
}

/// The name of the attribute that a path begins with: `disk` of `disk[0].size`.
pub fn root(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or_default()
}

/// The element of a list that a path leads into: `network_device[1]` of `network_device[1].bridge`.
fn element(path: &str) -> Option<&str> {
    path.find("].").map(|end| &path[..=end])
}

/// The addresses in a text: words of the form `proxmox_….name`, and Terraform's `resource "type" "name"`.
fn addresses(text: &str) -> Vec<String> {
    let plain = text.replace("\" \"", ".");
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let words = plain.split(|c| !word(c)).map(|word| word.trim_matches('.'));
    words.filter(|word| word.starts_with("proxmox_") && word.contains('.')).map(str::to_owned).collect()
}

/// The known cause of a difference of an attribute, if its resource has a row for it.
fn known(address: &str, name: &str) -> Option<KnownCause> {
    let address = address.split('[').next().unwrap_or(address);
    let resource = address.rsplit_once('.').map_or(address, |(resource, _)| resource);
    let table = match resource.rsplit('.').next().unwrap_or(resource) {
        "proxmox_virtual_environment_vm" => VM,
        "proxmox_virtual_environment_container" => CONTAINER,
        resource if resource.starts_with("proxmox_storage_") => STORAGE,
        _ => return None,
    };
    let is_about = |known: &str| known == name || (known.ends_with('_') && name.starts_with(known));
    table.iter().find(|known| is_about(known.attribute)).copied()
}

/// Reports whether the provider reads this attribute again whenever another one changes.
fn goes_along(name: &str) -> bool {
    ["ipv4_addresses", "ipv6_addresses", "network_interface_names"].contains(&name)
}

#[cfg(test)]
mod tests;
