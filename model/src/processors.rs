//! Number of processors of a container, as Proxmox reports it.

use serde_json::{Map, Value, json};

use crate::object::text;

/// `cpus` of a container's status: its `cores`, else its `cpulimit` as the text that it was written as, else the
/// processors of the node (`PVE::LXC::vmstatus`; recorded on 9.2: `"1"`, a text, where only the limit is set). Perl's
/// `||` decides: the text `0` does not count, `0.0` does. The configuration is the one in force, without pending
/// changes. `None` where the number of the node's processors is not known.
pub fn of_container(configuration: &Map<String, Value>, node: Option<u64>) -> Option<Value> {
    let set = |key: &str| configuration.get(key).and_then(text).filter(|text| !matches!(text.as_str(), "" | "0"));
    let cores = set("cores").and_then(|cores| cores.parse::<u64>().ok()).map(Value::from);
    cores.or_else(|| set("cpulimit").map(Value::from)).or_else(|| node.map(Value::from))
}

/// The number of processors as `maxcpu` of the cluster's lists has it: always a number.
pub fn as_number(processors: &Value) -> Value {
    let Some(text) = processors.as_str() else { return processors.clone() };
    match (text.parse::<u64>(), text.parse::<f64>()) {
        (Ok(whole), _) => json!(whole),
        (_, Ok(part)) if part.fract() == 0.0 => json!(part.trunc()),
        (_, Ok(part)) => json!(part),
        _ => json!(0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{as_number, of_container};

    #[test]
    fn cores_come_first_and_a_limit_stays_text() {
        let check = |configuration: Value, cpus: Value, maxcpu: Value| {
            let cpus_of_guest = of_container(configuration.as_object().unwrap(), Some(16)).unwrap();
            assert_eq!((as_number(&cpus_of_guest), cpus_of_guest), (maxcpu, cpus), "{configuration}");
        };
        check(json!({"cores": 2, "cpulimit": "0.5"}), json!(2), json!(2));
        check(json!({"cpulimit": "1"}), json!("1"), json!(1));
        check(json!({"cpulimit": "0.5"}), json!("0.5"), json!(0.5));
        check(json!({"cpulimit": "0"}), json!(16), json!(16));
        check(json!({}), json!(16), json!(16));
        assert_eq!(of_container(json!({}).as_object().unwrap(), None), None);
    }
}
