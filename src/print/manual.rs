//! Completions and the manual, printed as they are.

use super::Printed;
use crate::page::Page;
use crate::reports::{Completions, Manual};

impl Printed for Completions {
    fn page(&self, page: &mut Page) {
        page.raw(&self.script);
    }
}

impl Printed for Manual {
    fn page(&self, page: &mut Page) {
        match &self.folder {
            Some(folder) => page.line(format!("{}: {} pages", folder.display(), self.pages.len())),
            None => self.pages.values().for_each(|text| page.raw(text)),
        }
    }
}
