//! Calendar events, as far as their words go (`proxmox-time`).

const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const LONG_DAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const WORDS: &[&str] = &[
    "minutely",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "yearly",
    "annually",
    "semiannually",
    "semi-annually",
];

/// Checks a calendar event: `mon..fri 21:00`, `*/30`, `daily`, `2026-01-01 2:30`.
pub(super) fn check(text: &str) -> Result<(), String> {
    if WORDS.contains(&text.to_lowercase().as_str()) {
        return Ok(());
    }
    for part in text.split_whitespace() {
        if part.starts_with(|first: char| first.is_ascii_alphabetic()) && part != "UTC" && !are_days(part) {
            return Err(format!(
                "invalid calendar event '{text}' - unable to parse calendar event at '{part}' - Context(\"weekday\")\n\n"
            ));
        }
        let written = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'*' | b'/' | b':' | b',' | b'.' | b'-');
        if !part.starts_with(|first: char| first.is_ascii_alphabetic()) && !part.bytes().all(written) {
            return Err(format!("invalid calendar event '{text}' - unable to parse calendar event at '{part}'\n\n"));
        }
    }
    Ok(())
}

/// Reports whether a text is a list of weekdays: `mon,wed..fri`.
fn are_days(text: &str) -> bool {
    text.split(',').flat_map(|part| part.split("..")).all(|day| {
        let day = day.to_lowercase();
        DAYS.contains(&day.as_str()) || LONG_DAYS.contains(&day.as_str())
    })
}
