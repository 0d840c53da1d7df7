//! The options inside a value of Proxmox's, taken one by one: whatever nobody took is left over.

use proxmox_mpc_model::boolean;
use proxmox_mpc_model::property::Properties;

/// The options of a property string, taken one by one.
#[derive(Clone, Debug)]
pub struct PropertyOptions {
    pub(crate) key: String,
    pub(crate) rest: Vec<(Option<String>, String)>,
    /// Switches that are on, by a word that the provider reads as off: the option's name and the word.
    pub(crate) misread: Vec<(Option<String>, String)>,
}

impl PropertyOptions {
    /// The options in the value of a key.
    pub fn new(key: &str, text: &str) -> Self {
        let properties = Properties::parse(text);
        let rest = properties.iter().map(|(name, value)| (name.map(str::to_owned), value.to_owned())).collect();
        Self::of(key, rest)
    }

    /// These options of the value of a key.
    pub(crate) fn of(key: &str, rest: Vec<(Option<String>, String)>) -> Self {
        Self { key: key.to_owned(), rest, misread: Vec::new() }
    }

    /// The key whose value this is.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Takes the value that stands without a name.
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

    /// Takes a named value whatever is in it.
    pub fn take_raw(&mut self, option: &str) -> Option<String> {
        let index = self.rest.iter().position(|(name, _)| name.as_deref() == Some(option))?;
        Some(self.rest.remove(index).1)
    }

    /// Takes a named value, or the one without a name where this is its default key.
    pub fn take_or_first(&mut self, option: &str) -> Option<String> {
        self.take(option).or_else(|| self.first())
    }

    /// Takes a switch as Proxmox means it. The provider reads every word but `1` as off: a switch that is on by another
    /// word is noted as misread (docs/provider.md, T16).
    pub fn flag(&mut self, option: &str) -> Option<bool> {
        self.take(option).map(|word| self.switch(Some(option), word))
    }

    /// The same where the switch may stand without its name.
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

    /// The names of the options that are still there.
    pub fn names(&self) -> Vec<String> {
        self.rest.iter().filter_map(|(name, _)| name.clone()).collect()
    }

    /// The named value, which stays.
    pub fn get(&self, option: &str) -> Option<&str> {
        self.rest.iter().find_map(|(name, value)| (name.as_deref() == Some(option)).then_some(value.as_str()))
    }

    /// Whether the option is still there.
    pub fn has(&self, option: &str) -> bool {
        self.rest.iter().any(|(name, _)| name.as_deref() == Some(option))
    }
}
