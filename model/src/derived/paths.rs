//! Refusals of GETs that Proxmox does not have, and of parameters that a GET does not take.

use serde_json::{Map, Value};

use crate::Answer;
use crate::refusals::{not_implemented, refused};
use crate::schema::{self, Release, Verb};

/// Proxmox's refusal of a path that it does not have in this release, or of parameters that the path does not take.
pub(super) fn check(release: Release, segments: &[&str], query: &[(String, String)]) -> Option<Answer> {
    let Some(method) = release.schema().find(Verb::Get, segments) else { return Some(not_implemented(segments)) };
    let captured = method.captured.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
    let mut parameters: Map<String, Value> = captured.collect();
    parameters.extend(query.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
    schema::check(&method, &mut parameters).err().map(|errors| refused(&errors))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiPath;

    /// Recorded refusals.
    #[test]
    fn unknown_paths_are_refused_as_proxmox_refuses_them() {
        let check = |request: &str, expected: &str| {
            let path = ApiPath::parse(request);
            let owned = path.segments();
            let segments: Vec<&str> = owned.iter().map(String::as_str).collect();
            let refusal = check(Release::NineOne, &segments, &path.query())
                .map_or("null".to_owned(), |answer| answer.body.to_string());
            assert!(refusal.contains(expected), "{request}: {refusal}");
        };
        check("", "null");
        check("version", "null");
        check("nodes/pve1/qemu/100/config?current=1", "null");
        check("cluster/sdn/fabrics/fabric/f1?pending=1", "null");
        check("nope", "Method 'GET /nope' not implemented");
        check("nodes/pve1/qemu/100/config?current=on", r#"{"current":"type check ('boolean') failed - got 'on'"}"#);
        check("version?x=1", "property is not defined in schema and the schema does not allow additional properties");
        let words = "value 'foo' does not have a value in the enumeration 'vm, storage, node, sdn'";
        check("cluster/resources?type=foo", words);
        check("nodes/pve1/qemu/100/cloudinit/dump", r#"{"type":"property is missing and it is not optional"}"#);
        check("cluster/qemu/custom-cpu-models", "Method 'GET /cluster/qemu/custom-cpu-models' not implemented");
    }
}
