//! Made-up values that are carried over: the server's new values take the place of the recorded ones.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::equality::Equality;
use crate::exchange::Request;

/// Characters that stay as they are in every spelling of a value in a URL or a form.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Spellings in which clients write values: the characters that they leave unencoded beside the unreserved ones.
const SPELLINGS: [&AsciiSet; 6] = [
    &WITH_AT_AND_BANG.remove(b'/').remove(b'$').remove(b'&').remove(b'+').remove(b'=').remove(b',').remove(b';'),
    UNRESERVED,
    &UNRESERVED.remove(b':'),
    &UNRESERVED.remove(b':').remove(b'@'),
    &UNRESERVED.remove(b':').remove(b'@').remove(b'$').remove(b'&').remove(b'+').remove(b'='),
    WITH_AT_AND_BANG,
];
const WITH_AT_AND_BANG: &AsciiSet = &UNRESERVED.remove(b':').remove(b'@').remove(b'!');

/// Replacements in the order in which they were learnt.
#[derive(Debug, Default)]
pub(super) struct Carried(Vec<Replacement>);

/// A recorded value and the one in its place.
#[derive(Debug)]
struct Replacement {
    recorded: String,
    /// Both values, spelling by spelling; the last one is plain.
    spellings: Vec<(String, String)>,
}

impl Replacement {
    fn new(recorded: &str, new: &str) -> Self {
        let encoded = |text: &str, set: &'static AsciiSet| utf8_percent_encode(text, set).to_string();
        let mut spellings: Vec<_> = SPELLINGS.map(|set| (encoded(recorded, set), encoded(new, set))).into();
        spellings.push((recorded.to_owned(), new.to_owned()));
        spellings.dedup();
        Self { recorded: recorded.to_owned(), spellings }
    }
}

impl Carried {
    /// Compares a recorded body with the new one, and remembers the made-up values.
    pub(super) fn learn(&mut self, recorded: &Value, new: &Value, equality: &Equality) {
        match (recorded, new) {
            (Value::Object(recorded), Value::Object(new)) => {
                for (key, (recorded_value, new_value)) in
                    recorded.iter().filter_map(|(key, value)| Some((key, (value, new.get(key)?))))
                {
                    // A new token's secret comes beside its full id.
                    let is_secret = matches!(key.as_str(), "ticket" | "CSRFPreventionToken")
                        || (key == "value" && recorded.contains_key("full-tokenid"));
                    if let (true, Some(recorded), Some(new)) = (is_secret, recorded_value.as_str(), new_value.as_str())
                    {
                        self.set(recorded, new);
                    }
                    self.learn(recorded_value, new_value, equality);
                }
            }
            (Value::Array(recorded), Value::Array(new)) => {
                for (recorded, new) in recorded.iter().zip(new) {
                    self.learn(recorded, new, equality);
                }
            }
            (Value::String(recorded), Value::String(new)) if recorded != new => {
                for pattern in equality.made_up() {
                    for (recorded, new) in pattern.find_iter(recorded).zip(pattern.find_iter(new)) {
                        if recorded.as_str() != new.as_str() {
                            self.set(recorded.as_str(), new.as_str());
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, recorded: &str, new: &str) {
        let replacement = Replacement::new(recorded, new);
        match self.0.iter_mut().find(|known| known.recorded == recorded) {
            Some(known) => *known = replacement,
            None => self.0.push(replacement),
        }
    }

    /// A recorded request as it is sent now.
    pub(super) fn applied(&self, request: &Request) -> Request {
        let headers = request.headers.iter().flatten();
        let headers = headers.map(|(name, value)| (name.clone(), self.applied_to(value))).collect();
        Request {
            method: request.method.clone(),
            path: self.applied_to(&request.path),
            headers: Some(headers),
            body: request.body.as_deref().map(|body| self.applied_to(body)),
        }
    }

    fn applied_to(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, new) in self.0.iter().flat_map(|replacement| &replacement.spellings) {
            if text.contains(recorded.as_str()) {
                text = text.replace(recorded.as_str(), new);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_made_up_is_carried_over() {
        let equality = Equality::read().unwrap();
        let check = |recorded: Value, new: Value, request: &str, expected: &str| {
            let mut carried = Carried::default();
            carried.learn(&recorded, &new, &equality);
            assert_eq!(carried.applied_to(request), expected, "{recorded}");
        };
        let upid = |pid: &str| format!("UPID:pve:{pid}:00000001:65E1D0A0:qmstart:100:root@pam:");
        check(
            json!({ "data": upid("0000A1B2") }),
            json!({ "data": upid("0000FFFF") }),
            "/nodes/pve/tasks/UPID%3Apve%3A0000A1B2%3A00000001%3A65E1D0A0%3Aqmstart%3A100%3Aroot%40pam%3A/status",
            "/nodes/pve/tasks/UPID%3Apve%3A0000FFFF%3A00000001%3A65E1D0A0%3Aqmstart%3A100%3Aroot%40pam%3A/status",
        );
        check(json!({ "ticket": "one+" }), json!({ "ticket": "two/" }), "PVEAuthCookie=one%2B", "PVEAuthCookie=two%2F");
        let token = |value: &str| json!({ "full-tokenid": "a@pve!b", "value": value });
        check(token("secret"), token("other"), "PVEAPIToken=a@pve!b=secret", "PVEAPIToken=a@pve!b=other");
        check(json!({ "value": "secret" }), json!({ "value": "other" }), "value=secret", "value=secret");
        check(json!(["52:54:00:00:00:01"]), json!(["BC:24:11:00:00:02"]), "52:54:00:00:00:01", "BC:24:11:00:00:02");
    }
}
