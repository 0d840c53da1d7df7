//! Lists in one text: tags, content types, nodes, name servers.

/// The items of a list as Proxmox reads it: separated by commas, semicolons and white space, or by NUL where there is
/// one (`PVE::Tools::split_list`).
///
/// Lists are written with the character that [`crate::kinds::Form::Set`] names, but files may hold any of these. A
/// reader that splits in another way (Terraform's provider knows only `;` between tags) has its own rule.
pub fn items(text: &str) -> impl Iterator<Item = &str> {
    let by_nul = text.contains('\0');
    let separates = move |character: char| {
        if by_nul { character == '\0' } else { character == ',' || character == ';' || character.is_ascii_whitespace() }
    };
    text.split(separates).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_as_proxmox_does() {
        let check = |text: &str, expected: &[&str]| assert_eq!(items(text).collect::<Vec<_>>(), expected, "{text:?}");
        check("prod;web;Critical", &["prod", "web", "Critical"]);
        check("images,iso,vztmpl", &["images", "iso", "vztmpl"]);
        check("10.0.0.53 1.1.1.1", &["10.0.0.53", "1.1.1.1"]);
        check(" a, b;;c\t", &["a", "b", "c"]);
        check("FOO=a b\0BAR=c;d", &["FOO=a b", "BAR=c;d"]);
        // An option that was emptied reads back as a blank.
        check(" ", &[]);
        check("", &[]);
    }
}
