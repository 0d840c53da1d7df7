//! Derived answers about the SDN: the configured state, from a list of the applied and pending one, and single fabrics
//! and their nodes.

use serde_json::Value;

use super::deriver::{Derivation, Deriver, Row};
use super::rules;
use crate::kinds::sdn::{configured, leaves};
use crate::object::text;
use crate::{Answer, Answers, ApiPath, Unreadable};

/// The answer that a list of the SDN contains.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    match segments {
        ["cluster", "sdn", list @ ("zones" | "controllers")] if query.is_empty() => {
            Ok(applied(deriver, list)?.map(|rows| Answer::ok(rows.into_iter().map(Value::Object).collect())))
        }
        ["cluster", "sdn", list @ ("zones" | "controllers"), id] if query.is_empty() => {
            let key = list.trim_end_matches('s');
            let mut rows = applied(deriver, list)?.into_iter().flatten();
            Ok(rows.find(|row| row.get(key).is_some_and(|named| named == id)).map(|row| Answer::ok(Value::Object(row))))
        }
        ["cluster", "sdn", list @ ("zones" | "controllers" | "vnets")] if is_running(query) => {
            let rows = running(deriver, list)?.map(|rows| rows.into_iter().map(without_digest).collect());
            Ok(rows.map(Answer::ok))
        }
        // A single fabric accepts `pending`, with the same answer. Terraform's provider sends it.
        ["cluster", "sdn", "fabrics", "fabric", _] if !query.is_empty() => {
            let plain = deriver.answers.get(&ApiPath::new(segments))?;
            if plain.is_some() { Ok(plain) } else { rules::derive(deriver, segments, &[]) }
        }
        ["cluster", "sdn", "fabrics", "node", fabric, node] => {
            let list = deriver.data(&ApiPath::parse("cluster/sdn/fabrics/node"))?;
            let is = |row: &Value, key: &str, id: &str| row.get(key).and_then(text).is_some_and(|named| named == id);
            let rows = list.as_ref().and_then(Value::as_array).into_iter().flatten();
            let row = rows.into_iter().find(|row| is(row, "fabric_id", fabric) && is(row, "node_id", node));
            Ok(row.map(|row| Answer::ok(row.clone())))
        }
        _ => Ok(None),
    }
}

fn is_running(query: &[(String, String)]) -> bool {
    matches!(query, [(key, value)] if key == "running" && value == "1")
}

fn without_digest(mut row: Row) -> Value {
    row.insert("digest".to_owned(), Value::Null);
    Value::Object(row)
}

/// The applied rows, made from the list with pending ones: the row of a new object has nothing but pending values.
pub(super) fn running<A: Answers>(deriver: &Deriver<A>, list: &str) -> Result<Option<Vec<Row>>, Unreadable> {
    let path = ApiPath::new(["cluster", "sdn", list]).with_query("pending", "1");
    let Some(data) = deriver.data(&path)? else { return Ok(None) };
    let rows = data.as_array().into_iter().flatten().filter_map(Value::as_object);
    let rows = rows.filter(|row| row.get("state").is_none_or(|state| state != "new"));
    let plain = |row: &Row| {
        let mut row = row.clone();
        row.retain(|key, _| !["pending", "state", "digest"].contains(&key.as_str()));
        row
    };
    Ok(Some(rows.map(plain).collect()))
}

/// Reports whether there is a fabric, or the recording does not show it.
pub(super) fn has_fabrics<A: Answers>(deriver: &Deriver<A>) -> Result<bool, Unreadable> {
    let fabrics = deriver.data(&ApiPath::parse("cluster/sdn/fabrics/fabric"))?;
    Ok(fabrics.is_none_or(|fabrics| fabrics.as_array().is_none_or(|fabrics| !fabrics.is_empty())))
}

/// The configured rows, without the digest, which the list that they are made from does not have.
fn applied<A: Answers>(deriver: &Deriver<A>, list: &str) -> Result<Option<Vec<Row>>, Unreadable> {
    let path = ApiPath::new(["cluster", "sdn", list]);
    // The recorded plain list takes precedence.
    if deriver.answers.get(&path)?.is_some() {
        return Ok(None);
    }
    let Some(data) = deriver.data(&path.with_query("pending", "1"))? else { return Ok(None) };
    let rows = data.as_array().into_iter().flatten().filter_map(Value::as_object).filter(|row| !leaves(row));
    let applied = |row: &Row| {
        let mut row = row.clone();
        configured(&mut row);
        row.retain(|key, _| !["pending", "state"].contains(&key.as_str()));
        row
    };
    Ok(Some(rows.map(applied).collect()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    /// A new zone, a changed one, a removed one, and one without changes; the rows are recorded.
    #[test]
    fn configured_rows_are_made_from_pending_ones() {
        let zones = json!([
            {"state": "new", "type": "qinq", "digest": null, "zone": "qz", "pending": {"bridge": "vmbr1", "tag": 300}},
            {"type": "vlan", "mtu": 1500, "bridge": "vmbr0", "digest": null, "pending": {"mtu": 1450}, "zone": "z1",
             "state": "changed"},
            {"type": "simple", "ipam": "pve", "digest": null, "pending": {}, "zone": "old", "state": "deleted"},
            {"type": "simple", "dns": "pdns", "pending": {"dns": "deleted"}, "zone": "lan", "state": "changed"},
        ]);
        let answers = BTreeMap::from([(ApiPath::parse("cluster/sdn/zones?pending=1"), Answer::ok(zones))]);
        let deriver = Deriver::new(answers);
        let check = |path: &str, expected: Value| {
            let answer = deriver.derive(&ApiPath::parse(path)).unwrap();
            assert_eq!(answer.and_then(|answer| answer.data().cloned()).unwrap_or_default(), expected, "{path}");
        };
        let (qz, z1) = (
            json!({"type": "qinq", "zone": "qz", "bridge": "vmbr1", "tag": 300}),
            json!({"type": "vlan", "mtu": 1450, "bridge": "vmbr0", "zone": "z1"}),
        );
        check("cluster/sdn/zones/qz", qz.clone());
        check("cluster/sdn/zones/z1", z1.clone());
        check("cluster/sdn/zones/old", Value::Null);
        check("cluster/sdn/zones", json!([qz, z1, {"type": "simple", "zone": "lan"}]));
    }

    /// Recorded: `fabrics/all` after a fabric and a node were made.
    #[test]
    fn single_fabrics_are_in_the_lists() {
        let fabric = json!({"ip_prefix": "10.88.0.0/24", "id": "f1", "protocol": "openfabric"});
        let node = json!({"interfaces": ["name=eno1"], "protocol": "openfabric", "node_id": "pve1", "ip": "10.88.0.1",
                          "fabric_id": "f1"});
        let answers = BTreeMap::from([
            (ApiPath::parse("cluster/sdn/fabrics/fabric"), Answer::ok(json!([fabric]))),
            (ApiPath::parse("cluster/sdn/fabrics/node"), Answer::ok(json!([node]))),
        ]);
        let deriver = Deriver::new(answers);
        for query in ["", "?pending=1"] {
            for (path, expected) in [("fabric/f1", &fabric), ("node/f1/pve1", &node)] {
                let path = ApiPath::parse(&format!("cluster/sdn/fabrics/{path}{query}"));
                let answer = deriver.derive(&path).unwrap().unwrap();
                assert_eq!(answer.data(), Some(expected), "{path}");
            }
        }
    }
}
