//! From answers to files: the one entry point of this crate.

mod finish;
mod kept;
mod objects;

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_model::{Answers, Cluster, Identity, Unreadable};

use crate::addresses::{self, natural};
use crate::ansible::{self, Inventory, SecretNames};
use crate::coverage::{Coverage, KnownFates};
use crate::draft::Variable;
use crate::kinds::TRANSLATIONS;
use crate::manifest::Manifest;
use crate::previous_code::PreviousCode;
use crate::workspace::{Generated, Options, Previous};

/// Generates the code of the cluster behind these answers. The same answers, options and previous files give the same bytes.
///
/// # Errors
/// A stored answer that cannot be read back.
pub fn generate(answers: &dyn Answers, options: &Options, previous: &Previous) -> Result<Generated, Unreadable> {
    let everything = unselected(answers, options, previous)?;
    let cluster = Cluster::read(answers)?;
    let mut listings = Vec::new();
    for translation in TRANSLATIONS {
        let mut listing = translation.model().list(&cluster)?;
        listing.entries.sort_by_key(|entry| natural(&entry.identity));
        translation.arrange(&cluster, &mut listing.entries)?;
        listings.push((*translation, listing));
    }
    let previous_code = PreviousCode::read(&previous.files);
    let inventory = Inventory::new(&previous.files);
    let names = addresses::assign(&listings, options, &previous.manifest);
    let mut run = Generation {
        cluster: &cluster,
        options,
        previous,
        sharing: addresses::sharing(&listings, &names, &previous.manifest),
        names,
        secret_names: SecretNames::assign(&listings, &previous_code),
        previous_code,
        inventory,
        before: previous.manifest.objects.iter().map(|(identity, place)| (&*place.address, identity)).collect(),
        addresses: BTreeMap::new(),
        texts: BTreeMap::new(),
        variables: BTreeMap::new(),
        kept_variables: BTreeSet::new(),
        variable_kinds: BTreeMap::new(),
        roles: BTreeMap::new(),
        known_fates: KnownFates::default(),
        out: Generated {
            manifest: Manifest { moved: previous.manifest.moved.clone(), ..Manifest::default() },
            ..Generated::default()
        },
    };
    if !options.selection.is_everything() {
        let entries = listings
            .iter()
            .flat_map(|(translation, listing)| listing.entries.iter().map(|one| (translation.model(), one)));
        run.out.survey = options.selection.survey(entries);
    }
    for (translation, listing) in &listings {
        run.kind(translation, listing)?;
    }
    if let Some(everything) = everything {
        run.cover_excluded(everything);
    }
    Ok(run.finish())
}

/// Generates the code of everything on record, including what the user excludes.
///
/// # Errors
/// A stored answer that cannot be read back.
pub fn everything(answers: &dyn Answers, mut previous: Previous) -> Result<Generated, Unreadable> {
    previous.manifest.objects.retain(|_, place| !place.skip);
    generate(answers, &Options::default(), &previous)
}

/// Coverage of everything on record; `None` if the user excludes nothing. It is computed first, so that only one set of texts
/// is in memory at a time.
fn unselected(answers: &dyn Answers, options: &Options, previous: &Previous) -> Result<Option<Coverage>, Unreadable> {
    let mapped = || options.mapping.iter().flat_map(|mapping| &mapping.objects);
    let skips = mapped().chain(&previous.manifest.objects).any(|(_, place)| place.skip);
    if options.selection.is_everything() && !skips {
        return Ok(None);
    }
    let mut manifest = previous.manifest.clone();
    manifest.objects.extend(mapped().map(|(identity, place)| (identity.clone(), place.clone())));
    let previous = Previous { manifest, ..Previous::default() };
    Ok(Some(everything(answers, previous)?.coverage))
}

/// A run of the generators.
struct Generation<'a> {
    cluster: &'a Cluster<'a>,
    options: &'a Options,
    previous: &'a Previous,
    names: BTreeMap<Identity, String>,
    /// Objects whose label another object of their namespace has as well.
    sharing: BTreeSet<Identity>,
    secret_names: SecretNames,
    previous_code: PreviousCode<'a>,
    /// Objects by the addresses that they had before this run.
    before: BTreeMap<&'a str, &'a Identity>,
    /// Addresses of the objects that have code so far.
    addresses: BTreeMap<Identity, String>,
    /// Blocks of the current kind, by identity in natural order.
    texts: BTreeMap<(u64, Identity), String>,
    variables: BTreeMap<String, Variable>,
    kept_variables: BTreeSet<String>,
    /// Kind of the objects that a variable is for.
    variable_kinds: BTreeMap<String, &'static str>,
    /// Tasks of every role so far.
    roles: ansible::RoleTasks,
    /// Hosts of Ansible's inventory.
    inventory: Inventory<'a>,
    known_fates: KnownFates,
    out: Generated,
}
