//! Derived answers: made from recorded ones by rules. One rule of a list, one volume of a guest's configuration, a list
//! without the rows that a filter leaves out, and Proxmox's refusal where a list proves that something does not exist.
//!
//! Proxmox gives many objects twice, in a list and one by one: a reader that has the list need not ask for the rest.

use crate::schema::Release;
use crate::{Answer, Answers, ApiPath};

mod access;
mod configuration;
mod dependencies;
mod deriver;
mod filters;
mod guest;
mod indexes;
mod interfaces;
mod local_resources;
mod migration;
mod missing;
mod nextid;
mod paths;
mod pools;
mod renewal;
mod rules;
mod running_vm;
mod sdn;
mod url;
mod volume;

pub use crate::refusals::{no_method, refused};
pub use dependencies::is_stale;
pub use deriver::Deriver;
pub use renewal::is_renewed;
pub use url::{ASSUMED_SIZE, UnresolvedHost, unresolved_host};

use deriver::Derivation;

/// Proxmox's refusal of a GET that it does not have in this release, or whose parameters are wrong.
pub fn refusal(release: Release, path: &ApiPath) -> Option<Answer> {
    let segments = path.segments();
    paths::check(release, &segments.iter().map(String::as_str).collect::<Vec<_>>(), &path.query())
}

/// Function that derives the answers of one part of the API.
type Derive<A> = fn(&Deriver<A>, &[&str], &[(String, String)]) -> Derivation;

impl<A: Answers> Deriver<A> {
    /// The answer to a request that is not on record; `None` where the recorded answers are not enough.
    pub fn derive(&self, path: &ApiPath) -> Derivation {
        let owned = path.segments();
        let segments: Vec<&str> = owned.iter().map(String::as_str).collect();
        let query = path.query();
        if let Some(refusal) = paths::check(self.release()?, &segments, &query) {
            return Ok(Some(refusal));
        }
        if let Some(refusal) = missing::check(self, &segments)? {
            return Ok(Some(refusal));
        }
        let rules: [Derive<A>; 12] = [
            access::derive,
            guest::derive,
            migration::derive,
            indexes::derive,
            nextid::derive,
            pools::derive,
            url::derive,
            volume::derive,
            interfaces::derive,
            filters::derive,
            sdn::derive,
            rules::derive,
        ];
        for derive in rules {
            if let Some(answer) = derive(self, &segments, &query)? {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }
}
