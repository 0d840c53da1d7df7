//! Renewal of recorded answers after a write: the parts that depend on other answers are derived anew.

use std::collections::BTreeSet;

use serde_json::json;

use super::deriver::Deriver;
use super::pools;
use crate::object::text;
use crate::{Answer, Answers, ApiPath, Unreadable, list, tags};

/// Reports whether a part of the answer to this path depends on other answers.
pub fn is_renewed(path: &ApiPath) -> bool {
    pools::is_pool(path) || matches!(path.as_str(), "cluster/options" | "version")
}

impl<A: Answers> Deriver<A> {
    /// The answer with that part derived anew.
    pub fn renewed(&self, path: &ApiPath, answer: Answer) -> Result<Answer, Unreadable> {
        match path.as_str() {
            "cluster/options" => self.with_tags(answer),
            "version" => self.with_console(answer),
            _ => self.with_members(path, answer),
        }
    }

    /// The options of the cluster with the tags that an administrator may set: those of the options and of all guests
    /// (`PVE::GuestHelpers::get_allowed_tags`). The tags that another login may set stay as they were recorded.
    fn with_tags(&self, mut answer: Answer) -> Result<Answer, Unreadable> {
        let permissions = self.permissions()?;
        if permissions.is_known() && !permissions.allow("/", "Sys.Modify") {
            return Ok(answer);
        }
        let guests = self.rows(&ApiPath::parse("cluster/resources"), "id")?.unwrap_or_default();
        let tags: Vec<String> = guests.values().filter_map(|guest| guest.get("tags").and_then(text)).collect();
        let Some(options) = answer.body.get_mut("data").and_then(|data| data.as_object_mut()) else {
            return Ok(answer);
        };
        let of_guests = tags.iter().flat_map(|tags| list::items(tags)).map(str::to_owned);
        let allowed: BTreeSet<String> = tags::of_options(options).chain(of_guests).collect();
        options.insert("allowed-tags".to_owned(), json!(allowed));
        Ok(answer)
    }

    /// The version with the console that the cluster's options choose.
    fn with_console(&self, mut answer: Answer) -> Result<Answer, Unreadable> {
        let options = self.data(&ApiPath::parse("cluster/options"))?;
        if let (Some(version), Some(options)) =
            (answer.body.get_mut("data").and_then(|data| data.as_object_mut()), options)
        {
            version.remove("console");
            version.extend(options.get("console").map(|console| ("console".to_owned(), console.clone())));
        }
        Ok(answer)
    }
}
