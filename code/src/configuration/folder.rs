//! A folder of Terraform files: the declarations of a module, each with its bytes, and what override files change.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use hcl_edit::structure::Body;

use super::ReadOnly;
use super::json;
use crate::document::{Document, SyntaxError};
use crate::scan::{self, Item};

/// A block or an attribute in a file.
#[derive(Clone, Debug)]
pub(super) struct Piece<'f> {
    pub(super) file: &'f str,
    /// The bytes in the file; the whole file in JSON syntax.
    pub(super) range: Range<usize>,
    pub(super) content: Content<'f>,
    pub(super) read_only: Option<ReadOnly>,
}

/// Content of a piece.
#[derive(Clone, Debug)]
pub(super) enum Content<'f> {
    /// The text, which is parsed when somebody asks.
    Text(&'f str),
    /// The body that a JSON file gives.
    Parsed(Rc<Body>),
}

/// The declarations of a module.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder<'f> {
    /// The folder, by path relative to the workspace.
    pub(super) path: String,
    /// Pieces by the reference to them: `var.x`, `local.x`, `module.x`, `output.x`, `type.name`, `import.1`,
    /// `moved.2`, `removed.3`, and `value.x` for an entry of a `.tfvars` file. Override files come last, and what they say wins.
    pub(super) declarations: BTreeMap<String, Vec<Piece<'f>>>,
    /// Number of the declarations without a name so far.
    unnamed: usize,
    /// Types and names of the resources.
    pub(super) resources: BTreeSet<(String, String)>,
}

/// Errors by file.
pub(super) type Errors<'f> = Vec<(&'f str, FileError)>;

/// A file that cannot be read.
#[derive(Debug)]
pub enum FileError {
    /// It is not HCL.
    Hcl(SyntaxError),
    /// It is not JSON.
    Json(serde_json::Error),
}

impl std::fmt::Display for FileError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hcl(error) => error.fmt(formatter),
            Self::Json(error) => error.fmt(formatter),
        }
    }
}

impl From<SyntaxError> for FileError {
    fn from(error: SyntaxError) -> Self {
        Self::Hcl(error)
    }
}

/// Reads the files of a folder. `generated` has the same files as they were generated.
pub(super) fn read<'f>(
    files: &'f BTreeMap<String, String>,
    path: &str,
    is_root: bool,
    generated: &BTreeMap<String, String>,
    errors: &mut Errors<'f>,
) -> Folder<'f> {
    let mut folder = Folder { path: path.to_owned(), ..Folder::default() };
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let range = files.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
    let own: Vec<(&'f str, &'f str, &str)> = range
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .filter(|(name, _)| !name[prefix.len()..].contains('/'))
        .map(|(name, text)| (name, text, generated.get(name).map_or("", String::as_str)))
        .collect();
    let is_code = |name: &str| {
        let extension = |end: &str| std::path::Path::new(name).extension().is_some_and(|own| own == end);
        extension("tf") || name.ends_with(".tf.json")
    };
    for overriding in [false, true] {
        for (name, text, generated) in own.iter().filter(|(name, ..)| is_code(name) && is_override(name) == overriding)
        {
            if let Err(error) = folder.add(name, text, generated) {
                errors.push((name, error));
            }
        }
    }
    if is_root {
        let is_automatic = |name: &str| name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json");
        // Terraform's order of precedence: later ones win.
        let named = ["terraform.tfvars", "terraform.tfvars.json"];
        let named = named.iter().flat_map(|name| own.iter().filter(|(own, ..)| own[prefix.len()..] == **name));
        let automatic = own.iter().filter(|(name, ..)| is_automatic(name));
        for (name, text, _) in named.chain(automatic) {
            if let Err(error) = folder.add_values(name, text) {
                errors.push((name, error));
            }
        }
    }
    folder
}

impl<'f> Folder<'f> {
    /// The pieces of a declaration; empty where there is none.
    pub(super) fn pieces(&self, name: &str) -> &[Piece<'f>] {
        self.declarations.get(name).map_or(&[], Vec::as_slice)
    }

    /// Names of the declarations that begin with a word and a dot.
    pub(super) fn names(&self, word: &str) -> impl Iterator<Item = &String> {
        let first = format!("{word}.");
        let names = self.declarations.range(first.clone()..).map(|(name, _)| name);
        names.take_while(move |name| name.starts_with(&first))
    }

    fn add(&mut self, file: &'f str, text: &'f str, generated: &str) -> Result<(), FileError> {
        if is_json(file) {
            let items = json::blocks(text).map_err(FileError::Json)?;
            for item in items {
                let labels: Vec<&str> = item.labels.iter().map(String::as_str).collect();
                let body = Rc::new(item.body);
                let piece = Piece {
                    file,
                    range: 0..text.len(),
                    content: Content::Parsed(Rc::clone(&body)),
                    read_only: Some(ReadOnly::Json),
                };
                if item.name == "locals" {
                    let attributes = body.blocks().flat_map(|block| block.body.attributes());
                    for attribute in attributes {
                        let body = Rc::new(Body::from_iter([attribute.clone()]));
                        let local = Piece { content: Content::Parsed(body), ..piece.clone() };
                        self.declare(format!("local.{}", attribute.key.as_str()), local);
                    }
                } else {
                    self.block(&item.name, &labels, piece);
                }
            }
            return Ok(());
        }
        let items = check(text, generated)?;
        for item in items.iter().filter(|item| !item.is_attribute) {
            let labels: Vec<&str> = item.labels.iter().map(String::as_str).collect();
            let piece = Piece::text(file, text, item.range.clone());
            if item.name == "locals" {
                self.locals(file, text, item.range.clone())?;
            } else {
                self.block(item.name, &labels, piece);
            }
        }
        Ok(())
    }

    fn locals(&mut self, file: &'f str, text: &'f str, range: Range<usize>) -> Result<(), FileError> {
        let start = range.start;
        let document = Document::parse(&text[range])?;
        for block in document.blocks() {
            for local in block.attributes() {
                let own = local.range();
                let piece = Piece::text(file, text, own.start + start..own.end + start);
                self.declare(format!("local.{}", local.name()), piece);
            }
        }
        Ok(())
    }

    fn block(&mut self, keyword: &str, labels: &[&str], piece: Piece<'f>) {
        let name = match (keyword, labels) {
            ("resource", [resource_type, name]) => {
                self.resources.insert(((*resource_type).to_owned(), (*name).to_owned()));
                format!("{resource_type}.{name}")
            }
            ("variable", [name]) => format!("var.{name}"),
            ("module" | "output", [name]) => format!("{keyword}.{name}"),
            // Each of them is a declaration of its own. Override files cannot have them.
            ("import" | "moved" | "removed", []) => {
                self.unnamed += 1;
                format!("{keyword}.{:08}", self.unnamed)
            }
            _ => return,
        };
        self.declare(name, piece);
    }

    fn add_values(&mut self, file: &'f str, text: &'f str) -> Result<(), FileError> {
        if is_json(file) {
            let items = json::values(text).map_err(FileError::Json)?;
            for item in items {
                let content = Content::Parsed(Rc::new(item.body));
                let piece = Piece { file, range: 0..text.len(), content, read_only: Some(ReadOnly::Json) };
                self.declarations.insert(format!("value.{}", item.name), vec![piece]);
            }
            return Ok(());
        }
        for item in check(text, "")?.into_iter().filter(|item| item.is_attribute) {
            let piece = Piece::text(file, text, item.range);
            self.declarations.insert(format!("value.{}", item.name), vec![piece]);
        }
        Ok(())
    }

    fn declare(&mut self, name: String, piece: Piece<'f>) {
        self.declarations.entry(name).or_default().push(piece);
    }
}

impl<'f> Piece<'f> {
    fn text(file: &'f str, text: &'f str, range: Range<usize>) -> Self {
        Self { file, content: Content::Text(&text[range.clone()]), range, read_only: None }
    }

    /// Reports whether the text mentions any of these words. JSON counts as mentioning all.
    pub(super) fn mentions(&self, words: &[&str]) -> bool {
        match &self.content {
            Content::Text(text) => words.iter().any(|word| text.contains(word)),
            Content::Parsed(_) => true,
        }
    }
}

/// Reports whether a file, by its path, changes what other files declare.
pub(super) fn is_override(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    stem == "override" || stem.ends_with("_override")
}

/// Reports whether a file is in JSON syntax.
fn is_json(file: &str) -> bool {
    std::path::Path::new(file).extension().is_some_and(|extension| extension == "json")
}

/// The items of a text that is HCL. Each block is parsed alone, and those that were generated are not parsed at all: ten thousand
/// parsed blocks take two hundred megabytes.
fn check<'t>(text: &'t str, generated: &str) -> Result<Vec<Item<'t>>, FileError> {
    let Some(items) = scan::items(text) else {
        // Only the parser can say what is wrong, and where.
        let document = Document::parse(text)?;
        let item = |block: crate::Block<'_>| {
            let labels = block.labels().into_iter().map(str::to_owned).collect();
            let start = block.range().start;
            Item {
                name: &text[start..start + block.keyword().len()],
                labels,
                range: block.range(),
                is_attribute: false,
            }
        };
        return Ok(document.blocks().map(item).collect());
    };
    if text == generated {
        return Ok(items);
    }
    let known = if generated.is_empty() { Vec::new() } else { scan::items(generated).unwrap_or_default() };
    let known: BTreeSet<&str> = known.iter().map(|item| &generated[item.range.clone()]).collect();
    let is_broken = |item: &Item<'_>| {
        let block = &text[item.range.clone()];
        !known.contains(block) && block.parse::<Body>().is_err()
    };
    if items.iter().any(is_broken) {
        Document::parse(text)?;
    }
    Ok(items)
}
