//! Sizes in messages.

/// A number of bytes as people say it: `64 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut whole, mut rest, mut unit) = (bytes, 0, 0);
    while whole >= 1024 {
        (whole, rest, unit) = (whole / 1024, whole % 1024 * 10 / 1024, unit + 1);
    }
    if rest == 0 { format!("{whole} {}", units[unit]) } else { format!("{whole}.{rest} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_well() {
        let check = |number: u64, expected: &str| assert_eq!(bytes(number), expected);
        check(0, "0 B");
        check(1023, "1023 B");
        check(64 << 20, "64 MiB");
        check((20 << 30) + (512 << 20), "20.5 GiB");
        check(u64::MAX, "15.9 EiB");
    }
}
