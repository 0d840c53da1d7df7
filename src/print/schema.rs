//! Schemas for people: their names, or one of them.

use proxmox_mpc_engine::commands::Schemas;

use super::Printed;
use crate::page::Page;

impl Printed for Schemas {
    fn page(&self, page: &mut Page) {
        if self.name.is_none() {
            self.schemas.keys().for_each(|name| page.line(name));
            page.line("`proxmox-mpc schema NAME` prints one of them, `--output json` prints them all.");
            return;
        }
        for schema in self.schemas.values() {
            page.line(serde_json::to_string_pretty(schema).expect("a schema is JSON"));
        }
    }
}
