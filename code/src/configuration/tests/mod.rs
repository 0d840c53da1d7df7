//! Tables of configurations as people write them, and what Terraform says of them.

mod instances;
mod locate;
mod origins;
mod values;

use std::collections::BTreeMap;

use super::{Address, Configuration, Instance};

/// Files from one text: each begins with a line `=== path`.
fn files(text: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for part in text.split("=== ").skip(1) {
        let (path, content) = part.split_once('\n').unwrap();
        files.insert(format!("terraform/{}", path.trim()), content.to_owned());
    }
    files
}

fn read(files: &BTreeMap<String, String>) -> Configuration<'_> {
    let configuration = Configuration::read(files, "terraform");
    assert!(configuration.errors().is_empty(), "{:?}", configuration.errors());
    configuration
}

fn instance<'c>(configuration: &'c Configuration<'_>, address: &str) -> &'c Instance {
    let address: Address = address.parse().unwrap();
    let all: Vec<_> = configuration.instances().iter().map(|instance| instance.address.to_string()).collect();
    configuration.instance(&address).unwrap_or_else(|| panic!("no {address} among {all:?}"))
}
