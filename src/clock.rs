//! The time of a run, asked once and handed on: nothing else looks at a clock.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Now, in UTC and whole seconds: `2026-11-23T00:50:00Z`.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    now.format(&Rfc3339).unwrap_or_else(|_| "1970-01-01T00:00:00Z".to_owned())
}
