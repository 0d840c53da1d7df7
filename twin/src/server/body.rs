//! Parameters of a request, in its query and its body, in each of the forms that `pveproxy` reads.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::reply::Reply;
use crate::hexadecimal::hexadecimal;

/// The largest body that `pveproxy` takes, in bytes (docs/proxmox.md, "Transport").
const LIMIT: usize = 512 << 10;
/// The largest file that the twin takes, in bytes; Proxmox has no such limit.
const UPLOAD_LIMIT: usize = 1 << 30;

/// The parameters of a request.
#[derive(Debug, Default)]
pub(super) struct RequestParameters {
    pub(super) values: Map<String, Value>,
    /// The size of the file that came along, in bytes.
    pub(super) uploaded: Option<u64>,
}

/// Reads the parameters of a request to the API.
pub(super) async fn read(
    method: &Method,
    headers: &HeaderMap,
    query: Option<&str>,
    body: Body,
) -> Result<RequestParameters, Reply> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(refused(501, "chunked transfer encoding not supported"));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0_usize);
    let mut parameters = RequestParameters::default();
    if length > 0 {
        if !matches!(*method, Method::POST | Method::PUT) {
            return Err(refused(501, &format!("Unexpected content for method '{method}'")));
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        parameters = content(kind, length, body).await?;
    }
    for (key, value) in form(query.unwrap_or_default()) {
        parameters.values.insert(key, value);
    }
    Ok(parameters)
}

async fn content(kind: &str, length: usize, body: Body) -> Result<RequestParameters, Reply> {
    let (name, rest) = kind.split_once(';').unwrap_or((kind, ""));
    let multipart = name.trim() == "multipart/form-data";
    let limit = if multipart { UPLOAD_LIMIT } else { LIMIT };
    if length > limit {
        return Err(refused(501, "for data too large"));
    }
    if !multipart && !matches!(name.trim(), "" | "application/x-www-form-urlencoded" | "application/json") {
        return Err(refused(506, &format!("upload 'Content-Type '{kind}' not implemented")));
    }
    let bytes = to_bytes(body, limit).await.map_err(|_| refused(501, "for data too large"))?;
    match name.trim() {
        "application/json" => Ok(RequestParameters { values: json(&bytes)?, uploaded: None }),
        "multipart/form-data" => {
            let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
            let boundary = boundary.ok_or_else(|| refused(501, "no boundary"))?;
            Ok(parts(&bytes, boundary.trim_matches('"')))
        }
        _ => Ok(RequestParameters {
            values: form(&String::from_utf8_lossy(&bytes)).into_iter().collect(),
            uploaded: None,
        }),
    }
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::plain(StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_IMPLEMENTED), message, "")
}

/// The pairs of a form; a key that comes again makes its value a list.
pub(super) fn form(text: &str) -> Map<String, Value> {
    let mut pairs = Map::new();
    for pair in text.split(['&', ';']) {
        let Some((key, value)) = pair.split_once('=') else { continue };
        let (key, value) = (decoded(key), Value::String(decoded(value)));
        match pairs.get_mut(&key) {
            Some(Value::Array(values)) => values.push(value),
            Some(before) => *before = Value::Array(vec![before.take(), value]),
            None => drop(pairs.insert(key, value)),
        }
    }
    pairs
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Reads an object. Errors are plain text with Perl's messages.
fn json(bytes: &[u8]) -> Result<Map<String, Value>, Reply> {
    const PLACE: &str = "at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line";
    let failed = |message: String| Reply::plain(StatusCode::INTERNAL_SERVER_ERROR, &message, "\n");
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(pairs)) => Ok(pairs),
        Ok(_) => Err(failed(format!("Not a HASH reference {PLACE} 978."))),
        Err(error) => {
            let text = String::from_utf8_lossy(bytes);
            let at = error.column().saturating_sub(1).min(text.chars().count());
            let rest: String = text.chars().skip(at).collect();
            let rest = rest.trim_end_matches('}');
            let what = if at == 1 {
                "'\"' expected"
            } else {
                "malformed JSON string, neither tag, array, object, number, string or atom"
            };
            Err(failed(format!("{what}, at character offset {at} (before \"{rest}\") {PLACE} 934.")))
        }
    }
}

/// The parts of a form that brings a file. The file's part is called `filename`, and so is its parameter.
fn parts(bytes: &Bytes, boundary: &str) -> RequestParameters {
    let mut parameters = RequestParameters::default();
    let delimiter = format!("--{boundary}").into_bytes();
    let mut rest: &[u8] = bytes;
    while let Some(start) = find(rest, &delimiter) {
        rest = &rest[start + delimiter.len()..];
        let end = find(rest, &delimiter).unwrap_or(rest.len());
        let part = &rest[..end];
        let Some((head, content)) = find(part, b"\r\n\r\n").map(|at| (&part[..at], &part[at + 4..])) else { continue };
        let content = content.strip_suffix(b"\r\n").unwrap_or(content);
        let head = String::from_utf8_lossy(head);
        let named = |key: &str| {
            let at = head.find(&format!("; {key}=\""))? + key.len() + 4;
            Some(head[at..].split('"').next()?.to_owned())
        };
        let Some(name) = named("name") else { continue };
        match named("filename") {
            Some(file) => {
                parameters.uploaded = Some(content.len() as u64);
                let digest = ring::digest::digest(&ring::digest::SHA256, content);
                let digest = hexadecimal(&digest.as_ref()[..16]);
                parameters.values.insert("tmpfilename".to_owned(), format!("/var/tmp/pveupload-{digest}").into());
                parameters.values.insert("filename".to_owned(), file.into());
            }
            None => drop(parameters.values.insert(name, String::from_utf8_lossy(content).into())),
        }
    }
    parameters
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_are_read_as_by_pveproxy() {
        let check = |text: &str, expected: Value| assert_eq!(Value::Object(form(text)), expected, "{text}");
        check("a=1&b=x+y%26", json!({"a": "1", "b": "x y&"}));
        check("tags=a;b", json!({"tags": "a"}));
        check("tags=a;b=2", json!({"tags": "a", "b": "2"}));
        check("delete=a&delete=b", json!({"delete": ["a", "b"]}));
        check("a=", json!({"a": ""}));
        check("", json!({}));
    }

    #[test]
    fn a_file_comes_in_parts() {
        let text = "--x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\niso\r\n--x\r\nContent-Disposition: form-data; \
                    name=\"filename\"; filename=\"up.iso\"\r\n\r\nDATA\r\n--x--\r\n";
        let parameters = parts(&Bytes::from_static(text.as_bytes()), "x");
        assert_eq!((parameters.values["content"].as_str(), parameters.uploaded), (Some("iso"), Some(4)));
        assert_eq!(parameters.values["filename"], "up.iso");
    }
}
