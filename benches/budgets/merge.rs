//! Time that it takes to merge 1,000 guests that changed in the cluster into their code: as generated, and edited by a person in
//! every block.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use proxmox_mpc_code::lines;
use proxmox_mpc_code::merge::{Generated, GeneratedObject, MergeInput, merge};
use proxmox_mpc_generators::adopt::ObjectIds;
use proxmox_mpc_generators::manifest::Manifest;

use crate::Outcome;
use crate::program::{PROGRAM, command, run};
use crate::sheet::{Sheet, median, seconds};
use crate::twin;

/// Some containers have the default of memory, which no code says: about a thousand blocks change.
const GUESTS: u32 = 1150;
const ROUNDS: usize = 7;

/// Seconds.
const BUDGET: f64 = 0.200;

type Files = BTreeMap<String, String>;

pub(crate) fn measure(sheet: &mut Sheet) -> Outcome {
    let scratch = twin::scratch()?;
    let cluster = twin::cluster(scratch.path(), GUESTS)?;
    let folder = scratch.path().join("imported");
    let ran = run(command(PROGRAM).args(["--quiet", "import", "--out"]).arg(&folder).arg("--from").arg(&cluster))?;
    if !ran.success {
        return Err(format!("the import failed: {}", ran.errors).into());
    }
    let mut base = Files::new();
    for file in fs::read_dir(folder.join("terraform"))? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "tf") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            base.insert(format!("terraform/{name}"), fs::read_to_string(path)?);
        }
    }
    let manifest = Manifest::parse(&fs::read_to_string(folder.join("manifest.json"))?)?;
    let objects = objects(&base, &manifest);

    let guests = |files: &Files, edit: &dyn Fn(&str) -> String| -> Files {
        let is_of_guests = |path: &str| path.ends_with("/virtual_machines.tf") || path.ends_with("/containers.tf");
        let edited = |(path, text): (&String, &String)| {
            (path.clone(), if is_of_guests(path) { edit(text) } else { text.clone() })
        };
        files.iter().map(edited).collect()
    };
    let theirs = guests(&base, &|text| text.replace("dedicated = ", "dedicated = 1"));
    let edited = guests(&base, &|text| text.replace("dedicated = ", "# Enough?\n    dedicated = "));
    let blocks: usize = base.values().map(|text| text.matches("dedicated = ").count()).sum();
    for (name, ours) in [("as generated", &base), ("each edited", &edited)] {
        let input = MergeInput {
            base: Generated { files: &base, objects: &objects },
            theirs: Generated { files: &theirs, objects: &objects },
            ours,
            root: "terraform",
            state: &[],
            keys: &ObjectIds,
        };
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let merged = merge(&input);
            times.push(start.elapsed().as_secs_f64());
            let changed =
                merged.files.values().flatten().map(|text| text.matches("dedicated = 1").count()).sum::<usize>();
            if changed < blocks || !merged.conflicts.is_empty() {
                return Err(format!("{changed} blocks were merged").into());
            }
        }
        sheet.budget(
            format!("merge, {blocks} changed blocks, {name}"),
            String::new(),
            (median(times), BUDGET),
            seconds,
        );
    }
    Ok(())
}

/// The objects with a block, by identity.
fn objects(files: &Files, manifest: &Manifest) -> BTreeMap<String, GeneratedObject> {
    let addresses = |(path, text): (&'_ String, &'_ String)| {
        lines::resource_addresses(text).map(|address| (address, path.clone())).collect::<Vec<_>>()
    };
    let places: BTreeMap<String, String> = files.iter().flat_map(addresses).collect();
    let object = |(identity, entry): (&_, &proxmox_mpc_generators::manifest::ManifestEntry)| {
        let file = places.get(&entry.address)?.clone();
        let object = GeneratedObject { address: entry.address.clone(), import_id: entry.import_id.clone(), file };
        Some((ToString::to_string(identity as &proxmox_mpc_model::Identity), object))
    };
    manifest.objects.iter().filter_map(object).collect()
}
