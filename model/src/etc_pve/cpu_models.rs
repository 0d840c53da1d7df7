//! Custom CPU models (`virtual-guest/cpu-models.conf`), which the API lists from Proxmox VE 9.2 on.

use serde_json::json;

use super::section::{self, Dialect};
use super::sheet::{Sheet, rows, with};
use super::tree::{File, Tree, file};

const FILE: &str = "virtual-guest/cpu-models.conf";

/// Dialect of the file (`PVE::QemuServer::CPUConfig`).
const MODELS: Dialect = Dialect {
    types: "cpu-model",
    bare: false,
    own: &[],
    keys: "flags guest-phys-bits:i hidden:b hv-vendor-id level:i phys-bits reported-model",
};

/// Answers `cluster/qemu`.
pub(super) fn answer(tree: &Tree, sheet: &mut Sheet) {
    let File { text, sha1, .. } = file(tree, FILE);
    let models = section::parse(FILE, text, MODELS, sheet).into_iter();
    let listed = models.map(|model| {
        let keys = with(model.keys, "cputype", format!("custom-{}", model.id));
        with(keys, "digest", sha1.as_str())
    });
    sheet.put("cluster/qemu", json!([{ "name": "cpu-flags" }, { "name": "custom-cpu-models" }]));
    sheet.put("cluster/qemu/custom-cpu-models", rows(listed.collect()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiPath;

    #[test]
    fn models_are_listed_with_their_prefix() {
        let text =
            "cpu-model: fast\n\tflags +aes;-pcid\n\tlevel 30\n\thidden 1\n\treported-model EPYC\n\nx: y\n\tlevel 1\n";
        let tree = Tree::from([(FILE.to_owned(), File::of(text))]);
        let mut sheet = Sheet::default();
        answer(&tree, &mut sheet);
        let listed = sheet.answers[&ApiPath::parse("cluster/qemu/custom-cpu-models")].data().cloned();
        let model = json!({"cputype": "custom-fast", "flags": "+aes;-pcid", "level": 30, "hidden": 1,
            "reported-model": "EPYC", "digest": ""});
        assert_eq!(listed, Some(json!([model])));
        assert_eq!(sheet.warnings.len(), 1, "{:?}", sheet.warnings);
    }
}
