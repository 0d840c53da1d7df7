//! The cluster at one moment, as the twin answers for it: recorded, written and derived answers.

use std::fmt;
use std::sync::Arc;

use proxmox_mpc_model::{Answer, AnswerText, Answers, ApiPath, Unreadable};

use super::lookup::{Current, Lookup, Origin};

/// The cluster at one moment. It never changes: what is written later does not show.
pub struct Moment {
    lookup: Arc<Lookup>,
    current: Arc<Current>,
}

impl Moment {
    pub(super) fn new(lookup: &Arc<Lookup>) -> Self {
        Self { lookup: Arc::clone(lookup), current: lookup.current() }
    }
}

impl Answers for Moment {
    fn get(&self, path: &ApiPath) -> Result<Option<Answer>, Unreadable> {
        let text = self.text(path)?;
        let parsed = text.as_ref().map(AnswerText::parsed).transpose();
        parsed.map_err(|error| Unreadable { path: path.clone(), why: error.to_string() })
    }

    fn text(&self, path: &ApiPath) -> Result<Option<AnswerText>, Unreadable> {
        let (origin, answer) = self.lookup.look_up(&self.current, path)?;
        Ok((origin != Origin::Unknown).then_some(answer))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Moment").finish_non_exhaustive()
    }
}
