//! Parsed files of a root module, and the resource blocks that somebody selects in them.

use std::collections::BTreeSet;

use super::{ExtractInput, Refusal};
use crate::configuration::Configuration;
use crate::document::{Block, Document};
use crate::merge::pieces::{Piece, pieces};
use crate::traversals::{self, Reference};

/// The parsed `.tf` files of the root module.
pub(super) struct Sources<'f> {
    pub(super) input: ExtractInput<'f>,
    pub(super) files: Vec<SourceFile<'f>>,
}

/// A parsed file.
pub(super) struct SourceFile<'f> {
    pub(super) path: &'f str,
    pub(super) text: &'f str,
    pub(super) document: Document<'f>,
    /// The blocks with the comments above them.
    pieces: Vec<Piece>,
}

/// A resource block.
#[derive(Clone)]
pub(super) struct Resource<'s, 'f> {
    pub(super) file: &'s SourceFile<'f>,
    pub(super) block: Block<'s>,
    pub(super) type_name: &'s str,
    pub(super) label: &'s str,
    /// `type.label`.
    pub(super) address: String,
}

impl<'f> Sources<'f> {
    /// Parses the files of the root module.
    pub(super) fn read(input: ExtractInput<'f>) -> Result<Self, Refusal> {
        let mut files = Vec::new();
        let prefix = format!("{}/", input.root);
        for (path, text) in input.files {
            let is_root = path.strip_prefix(&prefix).is_some_and(|name| !name.contains('/'));
            if !is_root || std::path::Path::new(path).extension().is_none_or(|extension| extension != "tf") {
                continue;
            }
            let broken = || Refusal(format!("`{path}` is not valid HCL"));
            let document = Document::parse(text).map_err(|_| broken())?;
            files.push(SourceFile { path, text, document, pieces: pieces(text).ok_or_else(broken)? });
        }
        Ok(Self { input, files })
    }

    /// All resource blocks, in the order of files and lines.
    pub(super) fn resources(&self) -> impl Iterator<Item = Resource<'_, 'f>> {
        self.blocks().filter_map(|(file, block)| {
            let address = block.resource_address()?;
            let [type_name, label] = block.labels()[..] else { return None };
            Some(Resource { file, block, type_name, label, address })
        })
    }

    /// All blocks with their files.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (&SourceFile<'f>, Block<'_>)> {
        self.files.iter().flat_map(|file| file.document.blocks().map(move |block| (file, block)))
    }

    /// The block with this keyword and label.
    pub(super) fn declared(&self, keyword: &str, label: &str) -> Option<(&SourceFile<'f>, Block<'_>)> {
        self.blocks().find(|(_, block)| block.keyword() == keyword && block.labels() == [label])
    }

    /// The resource blocks that words select: addresses, types, or the ends of types (`container`). No word selects all.
    pub(super) fn select(&self, words: &[String]) -> Result<Vec<Resource<'_, 'f>>, Refusal> {
        let is_type =
            |own: &str, word: &str| own == word || own.strip_suffix(word).is_some_and(|own| own.ends_with('_'));
        let is_meant =
            |resource: &Resource<'_, 'f>, word: &str| resource.address == word || is_type(resource.type_name, word);
        if let Some(word) = words.iter().find(|word| !self.resources().any(|resource| is_meant(&resource, word))) {
            return Err(Refusal(format!(
                "no resource block of the root module is `{word}`, as an address or as a type"
            )));
        }
        let is_selected =
            |resource: &Resource<'_, 'f>| words.is_empty() || words.iter().any(|word| is_meant(resource, word));
        let selected: Vec<_> = self.resources().filter(is_selected).collect();
        let configuration = Configuration::read(self.input.files, self.input.root);
        for instance in configuration.instances().iter().filter(|instance| instance.address.modules.is_empty()) {
            let address = instance.address.without_key().to_string();
            if let Some(reason) = instance.read_only
                && selected.iter().any(|resource| resource.address == address)
            {
                return Err(Refusal(format!("`{address}` cannot be edited: {reason}")));
            }
        }
        Ok(selected)
    }
}

impl Sources<'_> {
    /// Refuses addresses that a file in JSON syntax mentions: it is only read, and its references would lead nowhere.
    pub(super) fn check_json(&self, addresses: &BTreeSet<String>) -> Result<(), Refusal> {
        for (path, text) in self.input.files.iter().filter(|(path, _)| path.ends_with(".tf.json")) {
            if let Some(address) = addresses.iter().find(|address| text.contains(address.as_str())) {
                return Err(Refusal(format!(
                    "`{path}` mentions `{address}`, and is only read: it is written in JSON syntax"
                )));
            }
        }
        Ok(())
    }
}

impl SourceFile<'_> {
    /// The references in a block, in the order of the text.
    pub(super) fn references(&self, block: Block<'_>) -> Result<Vec<Reference>, Refusal> {
        let lost = |text| Refusal(format!("the place of the reference `{text}` in `{}` is not known", self.path));
        traversals::references(&self.document, block).map_err(lost)
    }

    /// The block that begins at an offset, with the comments above it.
    pub(super) fn piece(&self, start: usize) -> Option<&Piece> {
        self.pieces.iter().find(|piece| piece.code.start == start)
    }
}

impl Resource<'_, '_> {
    /// The lines of the block, with the comments above it.
    pub(super) fn lines(&self) -> &str {
        let range = self.block.range();
        &self.file.text[self.file.piece(range.start).map_or(range, |piece| piece.lines.clone())]
    }

    /// The line of the block.
    pub(super) fn line(&self) -> usize {
        self.file.document.line(self.block.range().start)
    }
}
