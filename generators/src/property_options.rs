//! Options in a value (`size` in `scsi0`): rows take them one by one, and what no row takes is left over.

use proxmox_mpc_model::boolean;
use proxmox_mpc_model::property::Properties;

/// Options of a value that have not been taken yet.
#[derive(Clone, Debug)]
pub struct PropertyOptions {
    pub(crate) key: String,
    pub(crate) rest: Vec<(Option<String>, String)>,
    /// Switches that are on by a word that the provider reads as off: the option's name and the word.
    pub(crate) misread: Vec<(Option<String>, String)>,
}

impl PropertyOptions {
    /// Parses the property string that is the value of a key.
    pub fn new(key: &str, text: &str) -> Self {
        let properties = Properties::parse(text);
        let rest = properties.iter().map(|(name, value)| (name.map(str::to_owned), value.to_owned())).collect();
        Self::of(key, rest)
    }

    /// The given options of the value of a key.
    pub(crate) fn of(key: &str, rest: Vec<(Option<String>, String)>) -> Self {
        Self { key: key.to_owned(), rest, misread: Vec::new() }
    }

    /// Key of the value.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Takes the value without a name.
    pub fn first(&mut self) -> Option<String> {
        let index = self.rest.iter().position(|(name, _)| name.is_none())?;
        Some(self.rest.remove(index).1)
    }

    /// Takes a named value. The provider skips a word with two `=` (its decoders split at each), so such a value stays.
    pub fn take(&mut self, option: &str) -> Option<String> {
        let index =
            self.rest.iter().position(|(name, value)| name.as_deref() == Some(option) && !value.contains('='))?;
        Some(self.rest.remove(index).1)
    }

    /// Takes a named value, whatever characters it has.
    pub fn take_raw(&mut self, option: &str) -> Option<String> {
        let index = self.rest.iter().position(|(name, _)| name.as_deref() == Some(option))?;
        Some(self.rest.remove(index).1)
    }

    /// Takes a named value, or the one without a name if this option is the default key.
    pub fn take_or_first(&mut self, option: &str) -> Option<String> {
        self.take(option).or_else(|| self.first())
    }

    /// Takes a switch as Proxmox means it. The provider reads every word but `1` as off: a switch that is on by another
    /// word is noted as misread (docs/provider.md, T16).
    pub fn flag(&mut self, option: &str) -> Option<bool> {
        self.take(option).map(|word| self.switch(Some(option), word))
    }

    /// Takes a switch whose name may be omitted.
    pub fn flag_or_first(&mut self, option: &str) -> Option<bool> {
        self.flag(option).or_else(|| self.first().map(|word| self.switch(None, word)))
    }

    fn switch(&mut self, option: Option<&str>, word: String) -> bool {
        let on = boolean::parse(&word) == Some(true);
        if on && word != "1" {
            self.misread.push((option.map(str::to_owned), word));
        }
        on
    }

    /// Takes a whole number.
    pub fn integer(&mut self, option: &str) -> Option<i64> {
        let index = self
            .rest
            .iter()
            .position(|(name, value)| name.as_deref() == Some(option) && value.parse::<i64>().is_ok())?;
        self.rest.remove(index).1.parse().ok()
    }

    /// Names of the remaining options.
    pub fn names(&self) -> Vec<String> {
        self.rest.iter().filter_map(|(name, _)| name.clone()).collect()
    }

    /// A named value, without taking it.
    pub fn get(&self, option: &str) -> Option<&str> {
        self.rest.iter().find_map(|(name, value)| (name.as_deref() == Some(option)).then_some(value.as_str()))
    }

    /// True if the option remains.
    pub fn has(&self, option: &str) -> bool {
        self.rest.iter().any(|(name, _)| name.as_deref() == Some(option))
    }
}
