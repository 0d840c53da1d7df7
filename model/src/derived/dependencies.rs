//! Dependency table: answers that become stale when a path is written, and are derived anew.

use super::rules::captures;
use crate::ApiPath;

/// Paths of answers, each with the paths that it depends on; `{0}` is the first `{}` of its path. Answers without an
/// entry are hidden by the write that makes them stale.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    ("cluster/nextid", &["cluster/resources", "cluster/options"]),
    ("nodes/{}/lxc", &["cluster/resources"]),
    ("nodes/{}/qemu", &["cluster/resources"]),
    ("nodes/{}/qemu/{}/cloudinit", &["nodes/{0}/qemu/{1}/config"]),
    ("nodes/{}/qemu/{}/cloudinit/dump", &["nodes/{0}/qemu/{1}/config"]),
    ("nodes/{}/{}/{}/migrate", &["cluster/resources", "cluster/ha/resources", "cluster/ha/rules", "storage"]),
    ("nodes/{}/{}/{}/feature", &["cluster/resources", "storage"]),
    ("nodes/{}/lxc/{}/interfaces", &["cluster/resources"]),
];

/// Reports whether an answer depends on a path that was written.
pub fn is_stale(path: &ApiPath, written: impl Fn(&str) -> bool) -> bool {
    let base = path.as_str().split('?').next().unwrap_or_default();
    let segments: Vec<&str> = base.split('/').collect();
    DEPENDENCIES.iter().any(|(follower, sources)| {
        let Some(captured) = captures(follower, &segments) else { return false };
        sources.iter().any(|source| {
            let filled = captured.iter().enumerate();
            let source = filled
                .fold((*source).to_owned(), |source, (index, value)| source.replace(&format!("{{{index}}}"), value));
            written(&source)
        })
    })
}
