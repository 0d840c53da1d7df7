//! Metric servers as `proxmox_metrics_server`.

use proxmox_mpc_model::Object;

use super::{Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::{Draft, Obstacle, Variable, VariableDefault};
use crate::row::Row;

/// Translation of metric servers. Each attribute is written if its key is present.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "metric_server",
    file: "metric_servers.tf",
    word: "metrics",
    data: false,
    namespace: Namespace::Own("metric_server"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::text(&["id"], "name"),
        Row::text(&["type"], "type"),
        Row::text(&["server"], "server"),
        Row::flag(&["disable"], "disable", false),
        Row::checked(&["port", "mtu", "timeout", "max-body-size", "otel-timeout", "otel-max-body-size"], |draft| {
            for (key, attribute, least, most) in NUMBERS {
                guard::whole(draft, key, attribute, &(*least..=*most))?;
            }
            Ok(())
        }),
        Row::custom(
            &["api-path-prefix", "bucket", "organization", "path", "otel-path", "otel-resource-attributes"],
            |draft| {
                for (key, attribute) in TEXTS {
                    guard::verbatim(draft, key, attribute);
                }
                let attribute = "opentelemetry_resource_attributes";
                guard::passing(draft, "otel-resource-attributes", attribute, |text| text.len() <= 1024, "J2");
            },
        ),
        Row::custom(&["influxdbproto", "proto", "otel-protocol", "otel-compression"], |draft| {
            guard::worded(draft, "influxdbproto", "influx_db_proto", &["udp", "http", "https"], "J2");
            guard::worded(draft, "proto", "graphite_proto", &["udp", "tcp"], "J2");
            guard::worded(draft, "otel-protocol", "opentelemetry_proto", &["http", "https"], "J2");
            guard::worded(draft, "otel-compression", "opentelemetry_compression", &["none", "gzip"], "J2");
        }),
        Row::custom(&["verify-certificate", "otel-verify-ssl"], |draft| {
            guard::switch(draft, "verify-certificate", "influx_verify");
            guard::switch(draft, "otel-verify-ssl", "opentelemetry_verify_ssl");
        }),
        Row::custom(&["token", "otel-headers"], secrets),
        Row::volatile(&["digest"]),
    ],
    role: Some(|_| Role::cluster("metrics")),
};

const NUMBERS: &[(&str, &str, i64, i64)] = &[
    ("port", "port", 1, 65536),
    ("mtu", "mtu", 512, 65536),
    ("timeout", "timeout", i64::MIN, i64::MAX),
    ("max-body-size", "influx_max_body_size", i64::MIN, i64::MAX),
    ("otel-timeout", "opentelemetry_timeout", 1, 10),
    ("otel-max-body-size", "opentelemetry_max_body_size", 1024, i64::MAX),
];

const TEXTS: &[(&str, &str)] = &[
    ("api-path-prefix", "influx_api_path_prefix"),
    ("bucket", "influx_bucket"),
    ("organization", "influx_organization"),
    ("path", "graphite_path"),
    ("otel-path", "opentelemetry_path"),
];

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    let kind = object.text("type").unwrap_or_default();
    if !bpg::METRIC_SERVERS.contains(&&*kind) {
        return Err(Obstacle::new(format!("the provider knows no metric server of type `{kind}` (provider rule J14)")));
    }
    if object.text("server").is_none_or(|server| server.trim().is_empty()) || !object.keys.contains_key("port") {
        return Err(Obstacle::new("the provider requires an address and a port (provider rule J14)"));
    }
    Ok(Destination::Resource("proxmox_metrics_server", object.entry.identity.id().to_owned()))
}

/// Writes variables for token and headers, ignored. No answer has the token; the headers are in the answer, but must not be in a
/// file.
fn secrets(draft: &mut Draft<'_>) {
    let id = draft.object.entry.identity.id().to_owned();
    let label = draft.label().to_owned();
    let http = matches!(draft.object.text("influxdbproto").as_deref(), Some("http" | "https"));
    let has_token = draft.take("token").is_some();
    if http || has_token {
        let description = format!("Token of metric server {id}; used only when it is created anew");
        let variable = Variable { description, default: VariableDefault::Null, sensitive: true };
        let value = draft.variable(format!("{label}_influx_token"), variable);
        draft.set("influx_token", value);
        draft.ignore(&["influx_token"], "Proxmox does not show the token");
    }
    if draft.take("otel-headers").is_some() {
        let description =
            format!("Headers of metric server {id}, as JSON in Base64; used only when it is created anew");
        let variable = Variable { description, default: VariableDefault::Null, sensitive: true };
        let value = draft.variable(format!("{label}_otel_headers"), variable);
        draft.set("opentelemetry_headers", value);
        draft.ignore(&["opentelemetry_headers"], "they may hold credentials, which stand in no file");
    }
}
