//! The places of a source file that comments give to rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Result;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::mutants::is_of_tests;

/// A place: a counter can stand at `at`, and the code is what is there up to `end`.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) at: usize,
    /// The end of an expression that has to become a block; none where statements can stand.
    end: Option<usize>,
    /// The function that it is in, and whether it is the beginning of it.
    pub(super) function: String,
    pub(super) is_beginning: bool,
    pub(super) rules: BTreeSet<String>,
}

/// The beginnings of all functions, with the rules that their documentation names, and what
/// stands behind comments that name rules.
pub(super) fn places(text: &str, reads_comments: bool) -> Result<Vec<Place>> {
    let file = syn::parse_file(text)?;
    let comments = if reads_comments { comments(text) } else { BTreeMap::new() };
    let mut finder = Finder { comments, reads_comments, functions: Vec::new(), places: Vec::new() };
    finder.visit_file(&file);
    finder.places.sort_by_key(|place| place.at);
    Ok(finder.places)
}

/// Leaves out the beginnings of functions for rules that a comment in them names, as that says more
/// exactly where the code is; and what has no rule.
pub(super) fn keep_exact(places: &mut Vec<Place>) {
    let mut exact: Vec<(usize, BTreeSet<String>)> = Vec::new();
    let mut beginning = 0;
    for place in &*places {
        if place.is_beginning {
            beginning = place.at;
        } else {
            exact.push((beginning, place.rules.clone()));
        }
    }
    for place in places.iter_mut().filter(|place| place.is_beginning) {
        let inside = exact.iter().filter(|(beginning, _)| *beginning == place.at);
        for rule in inside.flat_map(|(_, rules)| rules) {
            place.rules.remove(rule);
        }
    }
    places.retain(|place| !place.rules.is_empty());
}

/// The text with something at each place.
pub(super) fn insertions(
    text: &str,
    places: &[Place],
    counter: impl Fn(usize) -> String,
) -> String {
    let mut pieces = Vec::new();
    for (nth, place) in places.iter().enumerate() {
        let opening = if place.end.is_some() { "{" } else { "" };
        pieces.push((place.at, format!("{opening}{}", counter(nth))));
        pieces.extend(place.end.map(|end| (end, " }".to_owned())));
    }
    pieces.sort_by_key(|(at, _)| *at);
    let (mut out, mut from) = (String::new(), 0);
    for (at, piece) in pieces {
        out.push_str(&text[from..at]);
        out.push_str(&piece);
        from = at;
    }
    out + &text[from..]
}

/// The entries of a folder, in byte order; none where there is no folder.
pub(super) fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The rules of the language and of evaluation that a text names, one by one or from one to
/// another: `E-53 – E-55`.
pub(super) fn rules_in(text: &str) -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    let mut before: Option<(char, u16)> = None;
    let mut is_range = false;
    for word in text.split_whitespace() {
        if word == "–" {
            is_range = true;
            continue;
        }
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let found = word.split_once('-').and_then(|(letter, number)| match letter {
            "E" | "L" => Some((letter.chars().next()?, number.parse::<u16>().ok()?)),
            _ => None,
        });
        if let Some((letter, number)) = found {
            let first = match before {
                Some((of, first)) if is_range && of == letter => first,
                _ => number,
            };
            rules.extend((first..=number).map(|n| match letter {
                'L' => format!("L-{n:03}"),
                _ => format!("{letter}-{n}"),
            }));
        }
        (before, is_range) = (found, false);
    }
    rules
}

/// The rules of comments on lines of their own, by the offset of what stands behind them.
fn comments(text: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let (mut rules, mut at) = (BTreeSet::new(), 0);
    for line in text.split_inclusive('\n') {
        let code = line.trim_start();
        match code.strip_prefix("//") {
            Some(comment) if !comment.starts_with(['/', '!']) => rules.extend(rules_in(comment)),
            _ if !rules.is_empty() => {
                found.insert(at + line.len() - code.len(), std::mem::take(&mut rules));
            }
            _ => {}
        }
        at += line.len();
    }
    found
}

struct Finder {
    comments: BTreeMap<usize, BTreeSet<String>>,
    reads_comments: bool,
    /// The functions around, the innermost last; none is one that cannot count.
    functions: Vec<Option<String>>,
    places: Vec<Place>,
}

impl Finder {
    fn function(&mut self, attributes: &[syn::Attribute], of: &syn::Signature, body: &syn::Block) {
        if is_of_tests(attributes) {
            return;
        }
        // What is constant cannot count.
        let can_count = of.constness.is_none();
        self.functions.push(can_count.then(|| of.ident.to_string()));
        if can_count {
            let said = if self.reads_comments { documentation(attributes) } else { String::new() };
            self.places.push(Place {
                at: body.brace_token.span.open().byte_range().end,
                end: None,
                function: of.ident.to_string(),
                is_beginning: true,
                rules: rules_in(&said),
            });
        }
        self.visit_block(body);
        self.functions.pop();
    }

    /// What is there when a comment before `from` names rules.
    fn commented(&mut self, from: usize, piece: &Range<usize>, is_expression: bool) {
        let Some(Some(name)) = self.functions.last() else { return };
        let Some(rules) = self.comments.get(&from) else { return };
        self.places.push(Place {
            at: piece.start,
            end: is_expression.then_some(piece.end),
            function: name.clone(),
            is_beginning: false,
            rules: rules.clone(),
        });
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_of_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
    }

    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        if !matches!(statement, syn::Stmt::Item(_)) {
            let piece = statement.span().byte_range();
            self.commented(piece.start, &piece, false);
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let body = arm.body.span().byte_range();
        self.commented(arm.span().byte_range().start, &body, true);
        visit::visit_arm(self, arm);
    }
}

/// The text of doc comments.
fn documentation(attributes: &[syn::Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes {
        if let syn::Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(said), .. }) = &pair.value
        {
            text.push_str(&said.value());
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_named_one_by_one_and_from_one_to_another() {
        let named = |text: &str| rules_in(text).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(named("of rbPath (E-53 – E-55, L-402); F-21."), "E-53 E-54 E-55 L-402");
        assert_eq!(named("E-8b, E-9 - E-11"), "E-11 E-9");
        assert_eq!(named("nothing"), "");
    }

    #[test]
    fn counters_stand_where_comments_name_rules() {
        let text = "/// E-1.\nfn a() -> u8 {\n    // E-2: why.\n    // More.\n    b();\n    match c {\n        // E-3.\n        0 => 1,\n        _ => 2,\n    }\n}\n";
        let mut found = places(text, true).unwrap();
        found.retain(|place| !place.rules.is_empty());
        let counted = insertions(text, &found, |nth| format!("#{nth} "));
        assert_eq!(
            counted.split_whitespace().collect::<Vec<_>>().join(" "),
            "/// E-1. fn a() -> u8 {#0 // E-2: why. // More. #1 b(); match c { // E-3. 0 => {#2 1 }, _ => 2, } }"
        );
    }
}
