//! Located code: the reader of people's code finds each generated object, with its `import` block, and without it by its ids.

use std::collections::BTreeMap;

use proxmox_mpc_code::configuration::{Address, Configuration, FoundBy, GeneratedObject, Placements};
use proxmox_mpc_generators::Generated;
use proxmox_mpc_generators::adopt::ObjectIds;

use crate::support::clusters::{all, generated, terraform};

fn objects(made: &Generated) -> Vec<GeneratedObject> {
    let entries = made.manifest.objects.iter();
    let object = entries.map(|(identity, entry)| GeneratedObject {
        identity: identity.to_string(),
        address: entry.address.parse().unwrap(),
        import_id: entry.import_id.clone(),
    });
    object.collect()
}

fn locate(files: &BTreeMap<String, String>, objects: &[GeneratedObject]) -> Placements {
    let configuration = Configuration::read(files, "terraform");
    assert!(configuration.errors().is_empty(), "{:?}", configuration.errors());
    assert_eq!(configuration.instances().len(), objects.len());
    configuration.locate(objects, &ObjectIds, &[])
}

#[test]
fn every_generated_object_is_located() {
    for (name, answers) in all() {
        let made = generated(&answers);
        let objects = objects(&made);
        let mut files: BTreeMap<String, String> =
            terraform(&made.files).map(|(path, text)| (path.clone(), text.clone())).collect();
        let placements = locate(&files, &objects);
        assert!(placements.unidentified.is_empty());
        for (identity, placement) in &placements.objects {
            assert_eq!((placement.found, placement.duplicates.len()), (FoundBy::Generated, 0), "{name}: {identity}");
        }
        // With other labels and no imports, only the ids in the blocks are left.
        files.remove("terraform/imports.tf").unwrap();
        let renamed: Vec<GeneratedObject> = objects
            .iter()
            .map(|object| GeneratedObject {
                address: Address { name: format!("{}_before", object.address.name), ..object.address.clone() },
                ..object.clone()
            })
            .collect();
        let placements = locate(&files, &renamed);
        assert!(placements.unidentified.is_empty(), "{name}: {:?}", placements.unidentified);
        for object in &objects {
            let placement = &placements.objects[&object.identity];
            let expected = (FoundBy::ByIds, Some(&object.address), 0);
            let found = (placement.found, placement.address.as_ref(), placement.duplicates.len());
            assert_eq!(found, expected, "{name}: {}", object.identity);
        }
    }
}
