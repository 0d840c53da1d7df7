//! Impacts: the table decides every attribute that the generators write for guests, and none falls to its default by accident.

use std::collections::BTreeSet;

use proxmox_mpc_code::Document;
use proxmox_mpc_code::outline::outline;
use proxmox_mpc_generators::bpg::impact::{CONTAINER, VIRTUAL_MACHINE, is_known};

use crate::support::clusters::{all, generated, terraform};

/// What Terraform itself reads.
const OF_TERRAFORM: [&str; 2] = ["lifecycle", "depends_on"];

#[test]
fn every_attribute_of_a_guest_has_a_row() {
    let (mut attributes, mut unknown) = (0, BTreeSet::new());
    for (_, answers) in all() {
        let made = generated(&answers);
        for (_, text) in terraform(&made.files) {
            let document = Document::parse(text).unwrap();
            for block in document.blocks().filter(|block| block.keyword() == "resource") {
                let resource_type = block.labels()[0];
                if ![VIRTUAL_MACHINE, CONTAINER].contains(&resource_type) {
                    continue;
                }
                for path in outline(&text[block.range()]).unwrap().keys() {
                    let first = path.split(['.', '[']).next().unwrap();
                    if OF_TERRAFORM.contains(&first) {
                        continue;
                    }
                    attributes += 1;
                    if !is_known(resource_type, path) {
                        unknown.insert(format!("{resource_type}.{path}"));
                    }
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(attributes > 1000, "{attributes}");
}
