//! Answers about simple lists: mappings of devices and folders, metric servers.

use serde_json::{Value, json};

use super::section::{self, Dialect};
use super::sheet::{Sheet, row, rows, with};
use super::tree::{File, Tree, file};
use crate::ApiPath;

/// Mappings: the file, the word in paths, and its dialect.
const MAPPINGS: &[(&str, &str, Dialect)] = &[
    ("mapping/directory.cfg", "dir", Dialect { types: "dir", bare: true, own: &[], keys: "description map:l" }),
    (
        "mapping/pci.cfg",
        "pci",
        Dialect { types: "pci", bare: true, own: &[], keys: "description live-migration-capable:b map:l mdev:b" },
    ),
    ("mapping/usb.cfg", "usb", Dialect { types: "usb", bare: true, own: &[], keys: "description map:l" }),
];

/// Dialect of the metric servers (`status.cfg`).
const SERVERS: Dialect = Dialect {
    types: "influxdb graphite opentelemetry",
    bare: false,
    own: &[
        ("graphite", "mtu path proto timeout"),
        (
            "influxdb",
            "api-path-prefix bucket influxdbproto max-body-size mtu organization timeout token verify-certificate",
        ),
        (
            "opentelemetry",
            "otel-compression otel-headers otel-max-body-size otel-path otel-protocol otel-resource-attributes otel-timeout \
             otel-verify-ssl",
        ),
    ],
    keys: "api-path-prefix bucket disable:b influxdbproto max-body-size:i mtu:i organization otel-compression otel-headers \
        otel-max-body-size:i otel-path otel-protocol otel-resource-attributes otel-timeout:i otel-verify-ssl:b path port:i \
        proto server timeout:i token verify-certificate:b",
};

/// Answers `cluster/mapping`.
pub(super) fn answer(tree: &Tree, sheet: &mut Sheet) {
    sheet.put("cluster/mapping", json!([{ "name": "dir" }, { "name": "pci" }, { "name": "usb" }]));
    for (name, word, dialect) in MAPPINGS {
        let File { text, sha1, .. } = file(tree, name);
        let sections = section::parse(name, text, *dialect, sheet);
        let listed = sections.into_iter().map(|section| {
            let keys = with(with(section.keys, "id", section.id), "type", section.kind);
            with(keys, "digest", sha1.as_str())
        });
        sheet.put_at(ApiPath::new(["cluster", "mapping", word]), rows(listed.collect()));
    }
}

/// Answers `cluster/metrics`.
pub(super) fn servers(tree: &Tree, sheet: &mut Sheet) {
    let mut listed = Vec::new();
    for section in section::parse("status.cfg", &file(tree, "status.cfg").text, SERVERS, sheet) {
        let keys = with(section.keys, "type", section.kind);
        let mut entry = row([("id", json!(section.id)), ("disable", json!(0))]);
        for key in ["disable", "port", "server", "type"] {
            entry.extend(keys.get(key).map(|value: &Value| (key.to_owned(), value.clone())));
        }
        listed.push(entry);
        sheet.put_at(ApiPath::new(["cluster", "metrics", "server", &section.id]), keys);
    }
    sheet.put("cluster/metrics", json!([{ "name": "server" }]));
    sheet.put("cluster/metrics/server", rows(listed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_and_servers() {
        let files = [
            ("mapping/pci.cfg", "gpu\n\tmap id=1,node=a\n\tmap id=2,node=b\n\tmdev 1\n\ndir: x\n\tmap y\n"),
            ("status.cfg", "graphite: g\n\tserver h\n\tport 2003\n\tpath p\n"),
        ];
        let tree: Tree = files.into_iter().map(|(name, text)| (name.to_owned(), File::of(text))).collect();
        let mut sheet = Sheet::default();
        answer(&tree, &mut sheet);
        servers(&tree, &mut sheet);
        let data = |path: &str| sheet.answers[&ApiPath::parse(path)].data().cloned();
        let gpu = json!([{"id": "gpu", "type": "pci", "mdev": 1, "map": ["id=1,node=a", "id=2,node=b"], "digest": ""}]);
        assert_eq!(data("cluster/mapping/pci"), Some(gpu));
        assert_eq!(data("cluster/mapping/usb"), Some(json!([])));
        let listed = json!([{"id": "g", "type": "graphite", "server": "h", "port": 2003, "disable": 0}]);
        assert_eq!(data("cluster/metrics/server"), Some(listed));
        let single = json!({"type": "graphite", "server": "h", "port": 2003, "path": "p"});
        assert_eq!(data("cluster/metrics/server/g"), Some(single));
    }
}
