//! Backup jobs (`jobs.cfg`, and `vzdump.cron` of older releases), Proxmox's half.

use super::key::{Class, Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::{Create, Write, Writing};
use crate::rows::RowId;
use crate::{ApiPath, Object};

/// A backup job. The list holds every key of the single answer.
pub(super) static KIND: Kind = Kind {
    id: "backup_job",
    prefix: "backup-job",
    title: "backup job",
    keys: KEYS,
    source: Source::Listed(Listed::cluster("backup", Shape::Rows(RowId::Key("id")))),
    writing: Writing::Own(|_, object| write(object)),
};

/// The options of `vzdump` and of a job's schedule; `maxfiles` and `size` are of releases before 8. Fleecing,
/// performance and retention are shown as objects.
const KEYS: &[Key] = &[
    Key::new("all", Form::Boolean).default("0"),
    Key::new("bwlimit", Form::Integer).default("0"),
    Key::new("comment", Form::Text),
    Key::new("compress", Form::Text).default("0"),
    Key::new("digest", Form::Text).volatile(),
    Key::new("dow", Form::Set(',')).default("mon,tue,wed,thu,fri,sat,sun"),
    Key::new("dumpdir", Form::Text),
    Key::new("enabled", Form::Boolean).default("1"),
    Key::new("exclude", Form::Set(',')),
    Key::new("exclude-path", Form::Structure),
    Key::new("fleecing", Form::Properties(Some("enabled"))),
    Key::new("id", Form::Text).fixed(),
    Key::new("ionice", Form::Integer).default("7"),
    Key::new("lockwait", Form::Integer).default("180"),
    Key::new("mailnotification", Form::Text).default("always"),
    Key::new("mailto", Form::Set(',')),
    Key::new("maxfiles", Form::Integer),
    Key::new("mode", Form::Text).default("snapshot"),
    Key::new("next-run", Form::Integer).volatile(),
    Key::new("node", Form::Text),
    Key::new("notes-template", Form::Text),
    Key::new("notification-mode", Form::Text).default("auto"),
    Key::new("notification-policy", Form::Text),
    Key::new("notification-target", Form::Text),
    Key::new("pbs-change-detection-mode", Form::Text),
    Key::new("performance", Form::Properties(None)),
    Key::new("pigz", Form::Integer).default("0"),
    Key::new("pool", Form::Text),
    Key::new("protected", Form::Boolean),
    Key::new("prune-backups", Form::Properties(None)).default("keep-all=1"),
    Key::new("quiet", Form::Boolean).default("0"),
    Key::new("remove", Form::Boolean).default("1"),
    Key::new("repeat-missed", Form::Boolean).default("0"),
    Key::new("schedule", Form::Text),
    Key::new("script", Form::Text),
    Key::new("size", Form::Integer),
    Key::new("starttime", Form::Text),
    Key::new("stdexcludes", Form::Boolean).default("1"),
    Key::new("stop", Form::Boolean).default("0"),
    Key::new("stopwait", Form::Integer).default("10"),
    Key::new("storage", Form::Text),
    Key::new("tmpdir", Form::Text),
    // The type `vzdump` of the section, which no request accepts.
    Key::new("type", Form::Text).volatile(),
    Key::new("vmid", Form::Set(',')),
    Key::new("zstd", Form::Integer).default("1"),
];

/// Reports whether the job is a line of `vzdump.cron`, whose id is its checksum and its number: each change makes
/// another job of it.
pub fn of_cron(object: &Object) -> bool {
    object.entry.identity.id().contains(':')
}

fn write(object: &Object) -> Option<Write> {
    if of_cron(object) {
        return None;
    }
    let fixed = KEYS.iter().filter(|key| key.class == Class::Fixed);
    let values = fixed.filter_map(|key| Some((key.name.to_owned(), object.text(key.name)?))).collect();
    Some(Write {
        create: Some(Create { path: ApiPath::new(["cluster", "backup"]), values }),
        ..Write::at(ApiPath::new(["cluster", "backup", object.entry.identity.id()]))
    })
}
