//! Renaming before a merge: objects that have another address in theirs get it in base and in ours as well, where ours has the
//! address of base. The merge itself then sees no other name.

use std::collections::BTreeMap;

use super::{Generated, GeneratedObject, Merge, MergeEdit, MergeInput, Notice, NoticeKind};
use crate::document::{Block, Document};
use crate::edit::{self, Edit};
use crate::traversals::{Reference, references};

type Files = BTreeMap<String, String>;

/// Base and ours with the addresses of theirs.
pub(crate) struct Renamed {
    base: Files,
    objects: BTreeMap<String, GeneratedObject>,
    ours: Files,
    edits: Vec<MergeEdit>,
    notices: Vec<Notice>,
}

/// Another address of an object.
struct Rename<'i> {
    identity: &'i str,
    from: &'i str,
    to: &'i str,
}

/// Renames what theirs has a `moved` block for. `None` if that is nothing.
pub(crate) fn rename(input: &MergeInput<'_>) -> Option<Renamed> {
    let mut renames = renames(input);
    if renames.is_empty() {
        return None;
    }
    let mut notices = Vec::new();
    let ours = Parsed::read(input.ours, input.root);
    renames.retain(|rename| match ours.obstacle(rename, input) {
        Some(reason) => {
            let text = format!("its generated address is {} now, and {reason}: its name stays", rename.to);
            let object = rename.identity.to_owned();
            notices.push(Notice { object, attribute: String::new(), kind: NoticeKind::Adjusted, text });
            false
        }
        None => true,
    });
    let mut objects = input.base.objects.clone();
    for rename in &renames {
        if let Some(object) = objects.get_mut(rename.identity) {
            rename.to.clone_into(&mut object.address);
        }
    }
    let (mut edits, mut unseen) = (Vec::new(), Vec::new());
    let base = Parsed::read(input.base.files, input.root).renamed(&renames, input.base.files, &mut unseen);
    let ours = ours.renamed(&renames, input.ours, &mut edits);
    edits.retain(|edit| input.base.files.get(&edit.file) != input.ours.get(&edit.file));
    Some(Renamed { base, objects, ours, edits, notices })
}

impl Renamed {
    /// The input of the merge with these trees.
    pub(crate) fn input<'a>(&'a self, input: &MergeInput<'a>) -> MergeInput<'a> {
        MergeInput { base: Generated { files: &self.base, objects: &self.objects }, ours: &self.ours, ..*input }
    }

    /// Adds what was renamed to the result of the merge.
    pub(crate) fn finish(self, ours: &Files, merge: &mut Merge) {
        for (path, text) in self.ours {
            if ours.get(&path) != Some(&text) {
                merge.files.entry(path).or_insert(Some(text));
            }
        }
        merge.edits.extend(self.edits);
        merge.notices.extend(self.notices);
    }
}

/// The objects with another address in theirs, to which `moved` blocks lead.
fn renames<'i>(input: &MergeInput<'i>) -> Vec<Rename<'i>> {
    let mut moves = None;
    let rename = |(identity, base): (&'i String, &'i GeneratedObject)| {
        let theirs = input.theirs.objects.get(identity).filter(|theirs| theirs.address != base.address)?;
        let moves = moves.get_or_insert_with(|| moves_of(input.theirs.files, input.root));
        let mut at = &base.address;
        // No address is left twice, so the way has an end.
        for _ in 0..moves.len() {
            at = moves.get(at).unwrap_or(at);
        }
        (*at == theirs.address).then_some(Rename { identity, from: &base.address, to: &theirs.address })
    };
    input.base.objects.iter().filter_map(rename).collect()
}

/// The `moved` blocks of generated files: addresses before and after.
fn moves_of(files: &Files, root: &str) -> BTreeMap<String, String> {
    let mut moves = BTreeMap::new();
    for (_, text) in root_files(files, root).filter(|(_, text)| text.contains("moved {")) {
        let Ok(document) = Document::parse(text) else { continue };
        for block in document.blocks().filter(|block| block.keyword() == "moved") {
            let side = |name| block.attribute(name).map(|value| value.source().to_owned());
            moves.extend(side("from").zip(side("to")));
        }
    }
    moves
}

/// The files of the root module, those that override others among them.
fn root_files<'i>(files: &'i Files, root: &str) -> impl Iterator<Item = (&'i str, &'i str)> {
    let prefix = format!("{root}/");
    let is_of_root = move |path: &str| {
        let name = path.strip_prefix(&prefix);
        name.is_some_and(|name| !name.contains('/') && name.strip_suffix(".tf").is_some())
    };
    files.iter().filter(move |(path, _)| is_of_root(path)).map(|(path, text)| (path.as_str(), text.as_str()))
}

/// The files of a root module.
struct Parsed<'i> {
    files: Vec<(&'i str, Result<Document<'i>, &'i str>)>,
}

impl<'i> Parsed<'i> {
    fn read(files: &'i Files, root: &str) -> Self {
        let parse = |(path, text)| (path, Document::parse(text).map_err(|_| text));
        Self { files: root_files(files, root).map(parse).collect() }
    }

    fn blocks(&self) -> impl Iterator<Item = (&'i str, &Document<'i>, Block<'_>)> {
        let documents = self.files.iter().filter_map(|(path, document)| Some((*path, document.as_ref().ok()?)));
        documents.flat_map(|(path, document)| document.blocks().map(move |block| (path, document, block)))
    }

    fn block(&self, address: &str) -> Option<Block<'_>> {
        self.blocks().map(|(.., block)| block).find(|block| block.resource_address().as_deref() == Some(address))
    }

    /// The reason why an object keeps its name in ours.
    fn obstacle(&self, rename: &Rename<'_>, input: &MergeInput<'_>) -> Option<String> {
        let Rename { from, to, .. } = rename;
        let Some(block) = self.block(from) else { return Some("your code has another one".to_owned()) };
        if ["count", "for_each"].iter().any(|name| block.attribute(name).is_some()) {
            return Some(format!("your {from} is several objects"));
        }
        if self.block(to).is_some() {
            return Some("your code has something else there".to_owned());
        }
        let is_json = |path: &str| path.ends_with(".tf.json");
        let mut json = input.ours.iter().filter(|(path, _)| is_json(path));
        if let Some((path, _)) = json.find(|(_, text)| text.contains(from)) {
            return Some(format!("{path} mentions {from} and is only read"));
        }
        let broken = self.files.iter().find_map(|(path, document)| document.as_ref().err().map(|text| (path, text)));
        if let Some((path, _)) = broken.filter(|(_, text)| text.contains(from.split('.').next_back().unwrap_or(from))) {
            return Some(format!("{path} is no valid code"));
        }
        let lost = |(path, document, block)| references(document, block).err().map(|_| path);
        self.blocks().find_map(lost).map(|path| format!("the places of all references in {path} are not known"))
    }

    /// The files with the new addresses. What is edited is added to `edits`.
    fn renamed(&self, renames: &[Rename<'_>], files: &Files, edits: &mut Vec<MergeEdit>) -> Files {
        let known: BTreeMap<&str, &Rename<'_>> = renames.iter().map(|rename| (rename.from, rename)).collect();
        let mut changes: BTreeMap<&str, Vec<Edit>> = BTreeMap::new();
        // A `moved` block is the way that an address has gone before.
        for (path, document, block) in
            self.blocks().filter(|(.., block)| !matches!(block.keyword(), "moved" | "removed"))
        {
            let mut edit = |rename: &Rename<'_>, attribute: &str, edit: Edit| {
                edits.push(MergeEdit {
                    object: rename.identity.to_owned(),
                    attribute: attribute.to_owned(),
                    file: path.to_owned(),
                    line: document.line(edit.range.start),
                    before: document.slice(edit.range.clone()).to_owned(),
                    after: edit.text.clone(),
                    why: "it has another name in the cluster".to_owned(),
                });
                changes.entry(path).or_default().push(edit);
            };
            if let Some(rename) = block.resource_address().and_then(|address| known.get(address.as_str()).copied())
                && let Some(range) = block.label_ranges().pop()
            {
                let label = rename.to.rsplit('.').next().unwrap_or(rename.to);
                edit(rename, "label", Edit { range, text: format!("\"{label}\"") });
            }
            for reference in references(document, block).unwrap_or_default() {
                let rename = |reference: &Reference| known.get(reference.head(2)?.as_str()).copied();
                if let Some(rename) = rename(&reference) {
                    edit(rename, &reference.attribute, Edit { range: reference.range(2), text: rename.to.to_owned() });
                }
            }
        }
        let mut files = files.clone();
        for (path, edits) in changes {
            if let Some(text) = files.get_mut(path) {
                *text = edit::apply(text, edits);
            }
        }
        files
    }
}
