//! Names with characters beyond ASCII, which Proxmox sends with each byte as one character.

/// The form in which lists show a name: `jÃ¼rgen@pve` for `jürgen@pve`. Proxmox reads files as bytes and sends each
/// byte as one character (docs/proxmox.md, "Files").
pub fn as_listed(name: &str) -> String {
    if name.is_ascii() { name.to_owned() } else { name.bytes().map(char::from).collect() }
}

/// The form of a listed name that Proxmox finds in a path: it compares bytes with bytes.
pub fn in_paths(listed: &str) -> String {
    let bytes: Option<Vec<u8>> = listed.chars().map(|character| u8::try_from(character).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| listed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{as_listed, in_paths};

    #[test]
    fn a_listed_name_leads_back_to_the_path() {
        let check = |name: &str, listed: &str| {
            assert_eq!((as_listed(name).as_str(), in_paths(listed).as_str()), (listed, name), "{name}");
        };
        check("ops@pve", "ops@pve");
        check("j\u{fc}rgen@pve", "j\u{c3}\u{bc}rgen@pve");
        check("\u{1f3e0}@pve", "\u{f0}\u{9f}\u{8f}\u{a0}@pve");
        // Characters that are not the bytes of any text stay.
        assert_eq!(in_paths("j\u{fc}rgen"), "j\u{fc}rgen");
    }
}
