//! The options of the cluster: what is read back of them, and what follows from them elsewhere.

use serde_json::{Value, json};

use crate::writes::{refusal, send, with_cluster};

const OPTIONS: &str = "cluster/options";

/// The first is recorded (flows 399 and 400), the description and the default of `mac_prefix` in the provider's step
/// 24-cluster-options.
#[test]
fn options_read_back_as_their_file_says_them() {
    with_cluster(|mut client| {
        let mut check = |form: &str, expected: Value| {
            let response = send(&mut client, "PUT", OPTIONS, form);
            assert_eq!(response.status, 200, "{form}: {}", response.body);
            let mut options = client.get(&format!("/api2/json/{OPTIONS}")).answer().body["data"].take();
            for (key, value) in expected.as_object().unwrap() {
                assert_eq!(&options[key].take(), value, "{form}: {key}");
            }
        };
        check(
            "keyboard=en-us&delete=http_proxy&tag-style=shape%3Dcircle",
            json!({"keyboard": "en-us", "http_proxy": null, "tag-style": {"shape": "circle"}, "console": "html5"}),
        );
        let migration = json!({"type": "secure", "network": "192.0.2.0/24"});
        check(
            "description=dc+text&migration=secure%2Cnetwork%3D192.0.2.0%2F24",
            json!({"description": "dc text\n", "migration": migration}),
        );
        check("description=100%25%0Aü%0A", json!({"description": "100%\nü\n"}));
        check("delete=description%2Cmac_prefix%2Cfoo", json!({"description": "", "mac_prefix": "BC:24:11"}));
        check(
            "registered-tags=x%3By&user-tag-access=user-allow%3Dlist%2Cuser-allow-list%3Dz",
            json!({
                "registered-tags": ["x", "y"], "user-tag-access": {"user-allow": "list", "user-allow-list": ["z"]},
                "allowed-tags": ["Critical", "app", "gpu", "prod", "template", "web", "x", "y", "z"],
            }),
        );
        let range = json!("lower (500) <= upper (400) boundary rule broken\n");
        let response = send(&mut client, "PUT", OPTIONS, "next-id=lower%3D500%2Cupper%3D400");
        assert_eq!(refusal(&response), (500, range));
    });
}

#[test]
fn other_answers_follow_from_the_options() {
    with_cluster(|mut client| {
        let mut check = |form: &str, path: &str, key: &str, expected: Value| {
            assert_eq!(send(&mut client, "PUT", OPTIONS, form).status, 200, "{form}");
            let answer = client.get(&format!("/api2/json/{path}")).answer().body;
            assert_eq!(answer.pointer(key).cloned().unwrap_or_default(), expected, "{form}: {path}");
        };
        check("console=vv", "version", "/data/console", json!("vv"));
        check("delete=console", "version", "/data/console", Value::Null);
        check("next-id=lower%3D700%2Cupper%3D900", "cluster/nextid", "/data", json!("700"));
        // A tag of a guest is one that others may set as well.
        assert_eq!(send(&mut client, "PUT", "nodes/pve1/qemu/100/config", "tags=novel").status, 200);
        let tags = client.get(&format!("/api2/json/{OPTIONS}")).answer().body["data"]["allowed-tags"].take();
        assert!(tags.as_array().unwrap().contains(&json!("novel")), "{tags}");
    });
}
