//! Age of a recording, in words.

use time::{Date, Month, PrimitiveDateTime, Time};

/// The time from `then` to `now`: `3 hours`. Both have the form `2026-11-23T00:50:00Z`; `None` if one does not.
pub(super) fn age(then: &str, now: &str) -> Option<String> {
    let minutes = (parse(now)? - parse(then)?).whole_minutes().max(0);
    let (count, unit) = match minutes {
        0..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    Some(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
}

fn parse(text: &str) -> Option<PrimitiveDateTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, between: char| -> Option<[u16; 3]> {
        let parts: Result<Vec<u16>, _> = text.split(between).map(str::parse).collect();
        parts.ok()?.try_into().ok()
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time.split('.').next()?, ':')?.map(|part| u8::try_from(part).ok());
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()?;
    Some(PrimitiveDateTime::new(date, Time::from_hms(hour?, minute?, second?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_the_unit_that_fits() {
        let check = |then: &str, expected: Option<&str>| {
            assert_eq!(age(then, "2026-11-23T12:00:00Z").as_deref(), expected, "{then}");
        };
        check("2026-11-23T11:59:00Z", Some("1 minute"));
        check("2026-11-23T10:30:00Z", Some("90 minutes"));
        check("2026-11-22T12:00:00Z", Some("24 hours"));
        check("2026-10-23T12:00:00Z", Some("31 days"));
        check("2026-11-23T12:30:00Z", Some("0 minutes"));
        check("yesterday", None);
        check("2026-13-01T00:00:00Z", None);
    }
}
