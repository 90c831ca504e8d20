//! Policy documents of a scenario and where they stand (F-41).

use std::sync::Arc;

use assize_store::{DocumentText, Origin, tree_text};

use super::Reader;
use crate::ErrorKind;
use crate::file::File;
use crate::json::{Node, Style, Value, shorten};
use crate::nearest::{did_you_mean, nearest};

/// What a policy document is given as.
enum Given<'n> {
    /// `{"file": …}`.
    File(&'n str),
    /// `{"ref": …}`.
    Ref(&'n str),
    /// The document itself.
    Document,
}

impl<'n> Given<'n> {
    fn of(node: &'n Node<'n>) -> Self {
        let Some([member]) = node.as_object() else { return Self::Document };
        match (&*member.key, member.value.as_str()) {
            ("file", Some(path)) => Self::File(path),
            ("ref", Some(name)) => Self::Ref(name),
            _ => Self::Document,
        }
    }
}

impl Reader<'_> {
    /// A policy document: written here, in a file, or under a name in `policies`.
    pub(crate) fn document(&mut self, file: &File, node: &Node<'_>) -> Option<DocumentText> {
        if node.as_object().is_none() {
            return self.expected(file, node, "a policy document, `{file: …}` or `{ref: …}`");
        }
        match Given::of(node) {
            Given::File(path) => self.document_file(file, node, path),
            Given::Ref(name) => self.reference(file, node, name),
            Given::Document => Some(self.inline_document(file, node)),
        }
    }

    fn reference(&mut self, file: &File, node: &Node<'_>, name: &str) -> Option<DocumentText> {
        if let Some(document) = self.refs.get(name) {
            return Some(document.clone());
        }
        let hint = did_you_mean(nearest(name, self.refs.keys().map(AsRef::as_ref)));
        let message = format!("`policies` has no `{}`{hint}", shorten(name));
        self.error(file, ErrorKind::Reference, node, message);
        None
    }

    /// A document in a file of its own. It may be anything: what is no policy is poison, and
    /// checking finds it (L-005).
    fn document_file(&mut self, file: &File, node: &Node<'_>, path: &str) -> Option<DocumentText> {
        let document = self.open(file, node, path)?;
        if document.style == Style::Yaml {
            let tree = self.tree(&document)?;
            return Some(self.inline_document(&document, &tree));
        }
        let origin = Origin {
            file: Arc::clone(&document.name),
            anchors: [document.anchor(0, 0)].into(),
            verbatim: true,
        };
        Some(DocumentText { text: Arc::clone(&document.text), origin: Some(Arc::new(origin)) })
    }

    /// Reads a file that this one names.
    pub(crate) fn open(&mut self, file: &File, node: &Node<'_>, path: &str) -> Option<File> {
        let opened = self.options.files.read(&file.name, path);
        let read = opened.map_err(|message| file.error(ErrorKind::File, node.span, message));
        match read.and_then(|source| File::new(source.name, source.bytes)) {
            Ok(file) => Some(file),
            Err(error) => {
                self.errors.push(error);
                None
            }
        }
    }

    /// A document written where it is used: the text of a JSON file as it stands there, but for
    /// escapes, that of a YAML file written anew, with the place of every value.
    pub(crate) fn inline_document(&mut self, file: &File, node: &Node<'_>) -> DocumentText {
        let verbatim = (file.style == Style::Json).then(|| node.span.of(&file.text)).flatten();
        let (text, anchors) = if let Some(text) = verbatim {
            let (text, points) = tree_text(text);
            let offset = |inside: usize| node.span.start + u32::try_from(inside).unwrap_or(0);
            let behind = points.into_iter().map(|(at, inside)| file.anchor(at, offset(inside)));
            let anchors = std::iter::once(file.anchor(0, node.span.start)).chain(behind);
            (text.into(), anchors.collect())
        } else {
            self.check_numbers(file, node);
            let (mut text, mut anchors) = (Vec::new(), Vec::new());
            node.write(&mut text, &mut |node, at| {
                anchors.push(file.anchor(at, node.span.start));
            });
            (String::from_utf8_lossy(&text).into(), anchors.into())
        };
        let verbatim = verbatim.is_some();
        let origin = Origin { file: Arc::clone(&file.name), anchors, verbatim };
        DocumentText { text, origin: Some(Arc::new(origin)) }
    }

    /// Outside of conditions a policy has no numbers, so a plain YAML number there is a text
    /// without its quotes (F-1).
    fn check_numbers(&mut self, file: &File, node: &Node<'_>) {
        match &node.value {
            Value::Number(number) => {
                let message =
                    format!("`{}` would be read as a number; put it in quotes", shorten(number));
                self.error(file, ErrorKind::Unquoted, node, message);
            }
            Value::Array(items) => items.iter().for_each(|item| self.check_numbers(file, item)),
            Value::Object(members) => {
                for member in members.iter().filter(|member| member.key != "Condition") {
                    self.check_numbers(file, &member.value);
                }
            }
            _ => {}
        }
    }
}

/// The name in `policies` that a document is referred to by, when it is.
pub(crate) fn ref_name<'n>(node: &'n Node<'n>) -> Option<&'n str> {
    match Given::of(node) {
        Given::Ref(name) => Some(name),
        _ => None,
    }
}

/// The byte offset in the file of a byte offset in a document's text: exact where the text stands
/// in the file as it is, else that of the value the offset is in.
pub(crate) fn offset_in_file(origin: Option<&Origin>, offset: u32) -> u32 {
    let Some(origin) = origin else { return 0 };
    let behind = origin.anchors.partition_point(|anchor| anchor.text <= offset);
    let Some(anchor) = behind.checked_sub(1).and_then(|at| origin.anchors.get(at)) else {
        return 0;
    };
    anchor.file + if origin.verbatim { offset - anchor.text } else { 0 }
}
