//! Clock: the one place that knows what time it is; everything else takes times as arguments.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A source of time, so that tests can choose it.
pub trait Clock: Send + Sync {
    /// The time now, in UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// A time in whole seconds, as recordings, manifests and locks hold it: `2026-11-23T00:50:00Z`.
pub fn seconds(time: OffsetDateTime) -> String {
    let time = time.replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_else(|_| "1970-01-01T00:00:00Z".to_owned())
}

/// A time in whole seconds as seconds since 1970; the beginning of 1970 for a text that is no time.
pub fn unix(text: &str) -> i64 {
    OffsetDateTime::parse(text, &Rfc3339).map_or(0, OffsetDateTime::unix_timestamp)
}

/// A time in milliseconds, as events hold it: `2026-11-23T00:50:00.250Z`.
pub fn milliseconds(time: OffsetDateTime) -> String {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    time.format(&form).unwrap_or_else(|_| "1970-01-01T00:00:00.000Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_two_forms() {
        let time = OffsetDateTime::from_unix_timestamp(1_795_395_000).unwrap() + time::Duration::milliseconds(250);
        assert_eq!(seconds(time), "2026-11-23T00:50:00Z");
        assert_eq!(milliseconds(time), "2026-11-23T00:50:00.250Z");
    }
}
