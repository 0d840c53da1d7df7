//! Shape of an answer: checked before anything follows from it, above all that an object is gone.
//!
//! An answer that is not what Proxmox gives (`{"data": null}` where a list belongs, a row that is not an object, a row
//! without the key that names it) counts as not read.

use serde_json::{Map, Value};

use crate::schema::{Outline, returned};
use crate::{Answer, AnswerText, ApiPath, NotRead, Unreadable};

/// The outline of the answer to this request; anything where Proxmox's schema does not know the path.
pub(crate) fn outline(path: &ApiPath) -> &'static Outline {
    // The words of the schema are written the same in a path, encoded or not.
    returned(path.as_str().split('?').next().unwrap_or_default())
}

/// The answer itself, a refusal included, or [`Answer::unusable`] in the place of a success of another shape.
pub(crate) fn checked(path: &ApiPath, answer: Answer) -> Answer {
    if !(200..300).contains(&answer.status) {
        return answer;
    }
    let complaint = match answer.body.get("data") {
        Some(data) => {
            outline(path).complaint(data).map(|complaint| format!("the answer is not what Proxmox gives: {complaint}"))
        }
        None => Some("the answer has no `data`".to_owned()),
    };
    complaint.map_or(answer, Answer::unusable)
}

/// Calls `each` with the rows of a list one after the other, so that a long one is never kept as values. The inner
/// error is the reason why nothing follows from the answer: it is a refusal, is not a list, or has a row that is not an
/// object or of which `each` complains. Some rows may have been passed on by then.
pub(crate) fn each_row(
    path: &ApiPath,
    answer: &AnswerText,
    mut each: impl FnMut(Map<String, Value>) -> Result<(), String>,
) -> Result<Result<(), NotRead>, Unreadable> {
    let unusable = |complaint: String| Ok(Err(NotRead::Unusable { request: path.clone(), complaint }));
    let unreadable = |error: serde_json::Error| Unreadable { path: path.clone(), why: error.to_string() };
    let Some(rows) = answer.rows() else {
        let answer = checked(path, answer.parsed().map_err(unreadable)?);
        if answer.data().is_some() {
            return unusable("the answer is not the list that Proxmox gives".to_owned());
        }
        return Ok(Err(answer.not_read(path)));
    };
    let outline = outline(path).row();
    for (index, row) in rows.into_iter().enumerate() {
        let name = || format!("row {}", index + 1);
        let row: Value = serde_json::from_str(row.get()).map_err(unreadable)?;
        let fits = outline.fits(&row);
        let complaint = match row {
            Value::Object(row) if fits => each(row).err().map(|complaint| format!("{} {complaint}", name())),
            _ if fits => Some(format!("{} is not an object", name())),
            row => outline.complaint_of(&name(), &row),
        };
        if let Some(complaint) = complaint {
            return unusable(format!("the answer is not what Proxmox gives: {complaint}"));
        }
    }
    Ok(Ok(()))
}

/// The text of a key that every row of a list has.
///
/// # Errors
///
/// The complaint about a row that lacks the key, or whose key is not a name.
pub(crate) fn named<'r>(row: &'r Map<String, Value>, key: &str) -> Result<&'r str, String> {
    match row.get(key) {
        Some(Value::String(name)) if !name.is_empty() => Ok(name),
        Some(_) => Err(format!("has a `{key}` that is not a name")),
        None => Err(format!("has no `{key}`")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_of_another_shape_is_unusable() {
        let check = |path: &str, data: Value, expected: Option<&str>| {
            let path = ApiPath::parse(path);
            let answer = checked(&path, Answer::ok(data));
            let complaint = answer.data().is_none().then(|| answer.reason.clone());
            let expected = expected.map(|words| format!("the answer is not what Proxmox gives: {words}"));
            assert_eq!(complaint, expected, "{path}");
        };
        check("access/users?full=1", json!([{"userid": "root@pam"}]), None);
        check("access/users?full=1", json!(null), Some("it is null, not a list"));
        check("cluster/options", json!([]), Some("it is a list, not an object"));
        check("nodes/pve1/qemu/100/config", json!("x"), Some("it is a text, not an object"));
        check("nodes/pve1/unheard/of", json!(null), None);
        let none = Answer { status: 200, reason: "OK".to_owned(), body: json!({}) };
        assert_eq!(checked(&ApiPath::parse("pools"), none).reason, "the answer has no `data`");
    }

    #[test]
    fn a_list_with_a_wrong_row_is_unusable() {
        let check = |status: u16, body: &str, expected: Result<(), &str>| {
            let answer = AnswerText { body: body.to_owned(), reason: "OK".to_owned(), status };
            let rows = each_row(&ApiPath::parse("pools"), &answer, |row| named(&row, "poolid").map(drop)).unwrap();
            assert_eq!(rows.map_err(|why| why.of_object()), expected.map_err(str::to_owned), "{status} {body}");
        };
        check(200, r#"{"data": [{"poolid": "a"}, {"poolid": "b"}]}"#, Ok(()));
        check(200, r#"{"data": []}"#, Ok(()));
        let wrong = "the answer is not what Proxmox gives: row 2 has no `poolid`";
        check(200, r#"{"data": [{"poolid": "a"}, {}]}"#, Err(wrong));
        let wrong = "the answer is not what Proxmox gives: row 1 has a `poolid` that is not a name";
        check(200, r#"{"data": [{"poolid": 7}]}"#, Err(wrong));
        let wrong = "the answer is not what Proxmox gives: row 1 is null, not an object";
        check(200, r#"{"data": [null]}"#, Err(wrong));
        check(200, r#"{"data": null}"#, Err("the answer is not what Proxmox gives: it is null, not a list"));
        check(403, r#"{"data": null}"#, Err("403 OK"));
    }
}
