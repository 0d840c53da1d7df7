//! Version of Terraform, as far as features depend on it.

use std::fmt;

/// Version: major, minor and patch. A pre-release counts as its release, since features come with the first alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Reads `1.11.4`, `1.8.0-beta1` and `1.9.0+ent`.
    pub fn parse(text: &str) -> Option<Self> {
        let release = text.split(['-', '+']).next()?;
        let mut numbers = release.split('.').map(|number| number.parse().ok());
        let version = Self(numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        let check = |text: &str, expected: Option<Version>| assert_eq!(Version::parse(text), expected, "{text}");
        check("1.11.4", Some(Version(1, 11, 4)));
        check("1.8.0-beta1", Some(Version(1, 8, 0)));
        check("1.9.0+ent", Some(Version(1, 9, 0)));
        check("1.9", None);
        check("1.9.0.1", None);
        check("", None);
        assert!(Version(1, 11, 0) > Version(1, 9, 8));
    }
}
