//! Which answers follow from which: where one of the latter changes, the former are derived anew.

use super::rules::captures;
use crate::ApiPath;

/// An answer, and the paths that it follows from; `{0}` is the first `{}` of its path. What is no row here is hidden by the
/// write that makes it stale.
const FOLLOWS: &[(&str, &[&str])] = &[
    ("cluster/nextid", &["cluster/resources", "cluster/options"]),
    ("nodes/{}/lxc", &["cluster/resources"]),
    ("nodes/{}/qemu", &["cluster/resources"]),
    ("nodes/{}/qemu/{}/cloudinit", &["nodes/{0}/qemu/{1}/config"]),
    ("nodes/{}/qemu/{}/cloudinit/dump", &["nodes/{0}/qemu/{1}/config"]),
    ("nodes/{}/{}/{}/migrate", &["cluster/resources", "cluster/ha/resources", "cluster/ha/rules", "storage"]),
    ("nodes/{}/{}/{}/feature", &["cluster/resources", "storage"]),
    ("nodes/{}/lxc/{}/interfaces", &["cluster/resources"]),
];

/// Whether an answer follows from one that was written.
pub fn is_stale(path: &ApiPath, written: impl Fn(&str) -> bool) -> bool {
    let base = path.as_str().split('?').next().unwrap_or_default();
    let segments: Vec<&str> = base.split('/').collect();
    FOLLOWS.iter().any(|(follower, sources)| {
        let Some(captured) = captures(follower, &segments) else { return false };
        sources.iter().any(|source| {
            let filled = captured.iter().enumerate();
            let source = filled
                .fold((*source).to_owned(), |source, (index, value)| source.replace(&format!("{{{index}}}"), value));
            written(&source)
        })
    })
}
