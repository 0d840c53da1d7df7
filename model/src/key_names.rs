//! Names of keys that come in families: `net[n]` stands for `net0`, `net1`, ….

/// Reports whether the pattern (`net[n]`, or a key as it is) stands for this key.
pub fn matches(pattern: &str, key: &str) -> bool {
    pattern.strip_suffix("[n]").map_or(pattern == key, |stem| index(stem, key).is_some())
}

/// Sort key of a key, by which families stand together and in the order of their numbers: `net2` before `net10`,
/// `ide0`, `sata0`, `scsi0`, `virtio0`.
pub fn natural(key: &str) -> (&str, Option<u32>) {
    let stem = key.trim_end_matches(|character: char| character.is_ascii_digit());
    (stem, index(stem, key))
}

/// The index of a key of a family: 3 of `net3`. An index has no leading zero.
pub fn index(stem: &str, key: &str) -> Option<u32> {
    let digits = key.strip_prefix(stem)?;
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if canonical { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_families() {
        let check = |pattern: &str, key: &str, expected: bool| {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        };
        check("net[n]", "net0", true);
        check("net[n]", "net10", true);
        check("net[n]", "net", false);
        check("net[n]", "net01", false);
        check("net[n]", "net+1", false);
        check("net[n]", "network", false);
        check("numa[n]", "numa", false);
        check("numa", "numa0", false);
        check("smbios1", "smbios1", true);
    }

    #[test]
    fn keys_are_sorted_as_people_count() {
        let mut keys = ["virtio0", "scsi10", "net10", "scsi1", "numa0", "ide0", "net2", "sata0", "scsi0", "numa"];
        keys.sort_by_key(|key| natural(key));
        assert_eq!(keys, ["ide0", "net2", "net10", "numa", "numa0", "sata0", "scsi0", "scsi1", "scsi10", "virtio0"]);
    }
}
