//! Derived answers about files at URLs that a node is asked to download from.
//!
//! No request is sent. The file is assumed to exist, unless the host is of a domain that never exists (RFC 6761): its
//! name and type follow from the URL, and its size is one block.

use serde_json::json;

use super::deriver::{Derivation, Deriver};
use crate::object::text;
use crate::{Answer, Answers, ApiPath, Unreadable};

/// Top-level domains that never exist.
const NEVER: [&str; 3] = ["example", "invalid", "test"];

/// Assumed size of a file, in bytes: a file system's block.
pub const ASSUMED_SIZE: u64 = 4096;

/// MIME types that web servers give the files that nodes download (`mime.types`); all other files are bytes.
const TYPES: [(&str, &str); 5] = [
    ("gz", "application/gzip"),
    ("iso", "application/x-iso9660-image"),
    ("tar", "application/x-tar"),
    ("xz", "application/x-xz"),
    ("zst", "application/zstd"),
];

/// Host whose address a node cannot resolve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnresolvedHost {
    /// Its name.
    pub host: String,
    /// The port of the connection.
    pub port: u16,
}

/// The answer of `nodes/{node}/query-url-metadata`.
pub(super) fn derive<A: Answers>(deriver: &Deriver<A>, segments: &[&str], query: &[(String, String)]) -> Derivation {
    let ["nodes", _, "query-url-metadata"] = segments else { return Ok(None) };
    let Some((_, url)) = query.iter().find(|(key, _)| key == "url") else { return Ok(None) };
    if let Some(UnresolvedHost { host, port }) = unresolved_host(&deriver.answers, url)? {
        let why = format!("500 Can't connect to {host}:{port} (Name or service not known)");
        return Ok(Some(Answer::refusal(500, &format!("invalid server response: '{why}'"))));
    }
    let path = url.split('?').next().unwrap_or_default();
    let name = path.split_once("://").and_then(|(_, rest)| rest.rsplit_once('/')).map_or("", |(_, name)| name);
    if name.is_empty() {
        return Ok(Some(Answer::ok(json!({}))));
    }
    let ending = name.rsplit('.').next().unwrap_or_default();
    let kind = TYPES.iter().find(|(known, _)| *known == ending).map_or("application/octet-stream", |(_, kind)| kind);
    Ok(Some(Answer::ok(json!({ "filename": name, "size": ASSUMED_SIZE, "mimetype": kind }))))
}

/// The host that a node cannot resolve on the way to a URL: the host of the datacenter's proxy, where there is one, or
/// of the URL. `None` where it can.
pub fn unresolved_host(answers: &impl Answers, url: &str) -> Result<Option<UnresolvedHost>, Unreadable> {
    let options = answers.get(&ApiPath::parse("cluster/options"))?;
    let proxy = options.as_ref().and_then(|options| options.data()?.get("http_proxy").and_then(text));
    let (host, port) = address(proxy.as_deref().unwrap_or(url));
    let domain = host.rsplit('.').next().unwrap_or_default();
    Ok(NEVER.contains(&domain).then(|| UnresolvedHost { host: host.to_owned(), port }))
}

/// The host and the port of a URL.
fn address(url: &str) -> (&str, u16) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, authority)| authority);
    let standard = if scheme == "https" { 443 } else { 80 };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(standard)),
        _ => (authority, standard),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_name_of_a_file_follows_from_its_url() {
        let check = |options: Value, url: &str, expected: Result<Value, &str>| {
            let answers = BTreeMap::from([(ApiPath::parse("cluster/options"), Answer::ok(options))]);
            let path = ApiPath::parse("nodes/pve/query-url-metadata").with_query("url", url);
            let answer = Deriver::new(answers).derive(&path).unwrap().unwrap();
            match expected {
                Ok(data) => assert_eq!(answer.data(), Some(&data), "{url}"),
                Err(reason) => assert_eq!((answer.status, answer.reason.as_str()), (500, reason), "{url}"),
            }
        };
        let of = |name: &str, kind: &str| json!({"filename": name, "size": 4096, "mimetype": kind});
        check(json!({}), "https://cloud.debian.org/a/b.qcow2?x=1/2", Ok(of("b.qcow2", "application/octet-stream")));
        check(json!({}), "http://192.0.2.1/a.iso", Ok(of("a.iso", "application/x-iso9660-image")));
        check(json!({}), "http://192.0.2.1", Ok(json!({})));
        let refused = "invalid server response: '500 Can't connect to www.example:443 (Name or service not known)'";
        check(json!({}), "https://www.example/x.iso", Err(refused));
        let refused =
            "invalid server response: '500 Can't connect to proxy.lab.example:3128 (Name or service not known)'";
        check(json!({"http_proxy": "http://u:p@proxy.lab.example:3128"}), "http://127.0.0.1:1/x.iso", Err(refused));
    }
}
