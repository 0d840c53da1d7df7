//! Dates and times of day (UTC).

/// Date and time of day, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The year, of four digits until the year 9999.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
}

impl Moment {
    /// The date and time this many seconds after the beginning of 1970.
    ///
    /// The algorithm is Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day is the last one.
    pub fn at(seconds: u64) -> Self {
        const DAY: u64 = 86_400;
        /// Days from March 1st of the year 0 to 1970.
        const EPOCH: u64 = 719_468;
        /// Days in 400 years.
        const ERA: u64 = 146_097;
        let (days, rest) = (seconds / DAY + EPOCH, seconds % DAY);
        let (era, day) = (days / ERA, days % ERA);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + u64::from(month <= 2);
        Self { year, month, day, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60 }
    }

    /// The form `2030-01-01T00:00:00Z`; `None` after the year 9999, which readers of this form refuse.
    pub fn rfc3339(self) -> Option<String> {
        let Self { year, month, day, hour, minute, second } = self;
        (year <= 9999).then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
    }

    /// The form `2030-01-01 00:00:00`.
    pub fn spaced(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        let check = |seconds: u64, expected: Option<&str>| {
            assert_eq!(Moment::at(seconds).rfc3339().as_deref(), expected, "{seconds}");
        };
        check(0, Some("1970-01-01T00:00:00Z"));
        check(951_782_400, Some("2000-02-29T00:00:00Z"));
        check(1_600_000_000, Some("2020-09-13T12:26:40Z"));
        check(1_893_456_000, Some("2030-01-01T00:00:00Z"));
        check(4_107_542_399, Some("2100-02-28T23:59:59Z"));
        check(4_107_542_400, Some("2100-03-01T00:00:00Z"));
        check(253_402_300_799, Some("9999-12-31T23:59:59Z"));
        check(253_402_300_800, None);
        check(u64::MAX, None);
        assert_eq!(Moment::at(1_600_000_000).spaced(), "2020-09-13 12:26:40");
    }
}
