//! SARIF 2.1.0: the form in which code hosts take findings of any tool.

use proxmox_mpc_code::check::{Finding, Place, RULES, Rule};
use proxmox_mpc_engine::check::CheckReport;
use serde_json::{Value, json};

/// The log of a check.
pub(super) fn log(report: &CheckReport) -> Value {
    let results: Vec<Value> = report.findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "proxmox-mpc check",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/HEAD/docs/check.md"),
                "rules": RULES.iter().copied().map(descriptor).collect::<Vec<Value>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.remedy},
        "helpUri": format!("{}/blob/HEAD/docs/check.md#{}", env!("CARGO_PKG_REPOSITORY"), rule.code.to_lowercase()),
        "defaultConfiguration": {"level": rule.severity.word()},
    })
}

fn result(finding: &Finding) -> Value {
    let index = RULES.iter().position(|rule| rule.code == finding.rule);
    let text: Vec<String> = std::iter::once(finding.message.clone()).chain(finding.help.clone()).collect();
    let mut location = location(&finding.place);
    if let Some(address) = &finding.address {
        location["logicalLocations"] = json!([{"fullyQualifiedName": address}]);
    }
    let related = finding.related.iter().enumerate().map(|(index, related)| {
        let mut location = self::location(&related.place);
        location["id"] = json!(index);
        location["message"] = json!({"text": related.label});
        location
    });
    json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.severity.word(),
        "message": {"text": text.join("\n")},
        "locations": [location],
        "relatedLocations": related.collect::<Vec<Value>>(),
    })
}

fn location(place: &Place) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": {"uri": place.file.replace('%', "%25").replace(' ', "%20")},
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
                "snippet": {"text": place.source},
            },
        },
    })
}
