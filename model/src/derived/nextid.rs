//! Derived answers about the next free VMID.

use std::collections::BTreeSet;

use serde_json::Value;

use super::deriver::{Derivation, Deriver};
use crate::object::text;
use crate::property::Properties;
use crate::refusals::invalid;
use crate::{Answer, Answers, ApiPath};

/// Range of VMIDs without a `next-id` of the datacenter; the end is not in it (`PVE::API2::Cluster`).
const RANGE: (u64, u64) = (100, 1_000_000);

/// The answer of `cluster/nextid`: the next free VMID, or whether a given one is free.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    if segments != ["cluster", "nextid"] {
        return Ok(None);
    }
    let Some(guests) = deriver.rows(&ApiPath::parse("cluster/resources"), "vmid")? else { return Ok(None) };
    if let Some((_, vmid)) = query.iter().find(|(key, _)| key == "vmid") {
        let taken = guests.contains_key(vmid);
        let refusal = || invalid("vmid", &format!("VM {vmid} already exists"));
        return Ok(Some(if taken { refusal() } else { Answer::ok(vmid.as_str().into()) }));
    }
    let options = deriver.data(&ApiPath::parse("cluster/options"))?;
    let (lower, upper) = range(options.as_ref().and_then(|options| options.get("next-id")));
    let taken: BTreeSet<u64> = guests.keys().filter_map(|vmid| vmid.parse().ok()).collect();
    let free = (lower..upper).find(|vmid| !taken.contains(vmid));
    Ok(Some(match free {
        Some(vmid) => Answer::ok(vmid.to_string().into()),
        None => Answer::refusal(500, &format!("unable to get any free VMID in range [{lower}, {}]", upper - 1)),
    }))
}

/// The range of the option, which is read as an object or as a property string.
fn range(option: Option<&Value>) -> (u64, u64) {
    let number = |key: &str| match option? {
        Value::String(text) => Properties::parse(text).number(key),
        option => option.get(key).and_then(text)?.parse().ok(),
    };
    (number("lower").unwrap_or(RANGE.0), number("upper").unwrap_or(RANGE.1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_free_number_is_next() {
        let check = |taken: &[u64], option: Value, request: &str, expected: Value| {
            let guests: Vec<Value> = taken.iter().map(|vmid| json!({ "vmid": vmid })).collect();
            let answers = BTreeMap::from([
                (ApiPath::parse("cluster/resources"), Answer::ok(guests.into())),
                (ApiPath::parse("cluster/options"), Answer::ok(option)),
            ]);
            let answer = Deriver::new(answers).derive(&ApiPath::parse(request)).unwrap().unwrap();
            assert_eq!(answer.data().unwrap_or(&answer.body["errors"]), &expected, "{request}");
        };
        check(&[], json!({}), "cluster/nextid", json!("100"));
        check(&[100, 101, 103], json!({}), "cluster/nextid", json!("102"));
        check(&[100, 200], json!({"next-id": {"lower": "200", "upper": "300"}}), "cluster/nextid", json!("201"));
        check(&[100], json!({}), "cluster/nextid?vmid=100", json!({"vmid": "VM 100 already exists"}));
        check(&[100], json!({}), "cluster/nextid?vmid=101", json!("101"));
    }
}
