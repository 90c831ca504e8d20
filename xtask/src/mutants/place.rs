//! Where the faults of a file are, and the file with all of them in it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, UnOp};

use super::fault;

/// The path of the function that says whether a fault is turned on.
const SWITCH: &str = "crate::mutant_switch::on";

/// One fault.
#[derive(Debug)]
pub(super) struct Fault {
    /// From 1 on, over all files.
    pub(super) number: u32,
    /// It does not compile.
    pub(super) is_dropped: bool,
    path: PathBuf,
    line: usize,
    function: String,
    what: String,
    /// How many faults of the file that say the same of a function of this name stand before it.
    n_before: usize,
}

impl Fault {
    /// What stays when lines move, and no other fault has.
    pub(super) fn name(&self) -> String {
        let file = self.path.strip_prefix("crates").unwrap_or(&self.path);
        format!("{} {}", file.display(), self.place())
    }

    /// The name within the file; the second of a kind says that it is.
    fn place(&self) -> String {
        let Self { function, what, n_before, .. } = self;
        let nth = if *n_before == 0 { String::new() } else { format!(" #{}", n_before + 1) };
        format!("{function}{nth}: {what}")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, path, line, .. } = self;
        write!(f, "{number} {}:{line} {}", path.display(), self.place())
    }
}

/// A source file and its faults.
#[derive(Debug)]
pub(super) struct Faulty {
    pub(super) path: PathBuf,
    pub(super) faults: Vec<Fault>,
    text: String,
    places: BTreeMap<(usize, std::cmp::Reverse<usize>), Place>,
}

/// A piece of the text and what can stand there instead.
#[derive(Debug, Default)]
struct Place {
    /// Numbers, and the text of each.
    instead: Vec<(u32, String)>,
    /// The piece is empty and what stands there is put in.
    is_insertion: bool,
}

impl Faulty {
    /// Finds the faults of a file; they are numbered from `next` on.
    pub(super) fn read(root: &Path, path: &Path, next: &mut u32) -> Result<Self> {
        let text = fs::read_to_string(root.join(path))?;
        let file = syn::parse_file(&text).with_context(|| path.display().to_string())?;
        let mut finder = Finder {
            text: &text,
            path,
            next,
            functions: Vec::new(),
            faults: Vec::new(),
            places: BTreeMap::new(),
        };
        finder.visit_file(&file);
        let Finder { faults, places, .. } = finder;
        Ok(Self { path: path.to_owned(), faults, text, places })
    }

    /// The file with every fault that compiles behind its switch, and where each of them stands.
    pub(super) fn text(&self) -> (String, Vec<(u32, Range<usize>)>) {
        let places: Vec<_> =
            self.places.iter().map(|((start, end), place)| (*start..end.0, place)).collect();
        let mut writer = Writer { file: self, out: String::new(), marks: Vec::new() };
        writer.write(0..self.text.len(), &places);
        (writer.out, writer.marks)
    }

    fn is_dropped(&self, number: u32) -> bool {
        self.faults.iter().any(|fault| fault.number == number && fault.is_dropped)
    }
}

struct Writer<'a> {
    file: &'a Faulty,
    out: String,
    marks: Vec<(u32, Range<usize>)>,
}

impl Writer<'_> {
    /// Writes a piece, given the places in it, outer ones first.
    fn write(&mut self, piece: Range<usize>, places: &[(Range<usize>, &Place)]) {
        let mut at = piece.start;
        let mut rest = places;
        while let Some(((range, place), after)) = rest.split_first() {
            let n_inner = after.iter().take_while(|(inner, _)| inner.end <= range.end);
            let n_inner = if place.is_insertion { 0 } else { n_inner.count() };
            let (inner, after) = after.split_at(n_inner);
            self.out.push_str(&self.file.text[at..range.start]);
            self.place(range, place, inner);
            at = range.end;
            rest = after;
        }
        self.out.push_str(&self.file.text[at..piece.end]);
    }

    fn place(&mut self, range: &Range<usize>, place: &Place, inner: &[(Range<usize>, &Place)]) {
        let live = || place.instead.iter().filter(|(number, _)| !self.file.is_dropped(*number));
        let live: Vec<_> = live().cloned().collect();
        if place.is_insertion {
            for (number, text) in live {
                let start = self.out.len();
                self.out.push_str(&text);
                self.marks.push((number, start..self.out.len()));
            }
            return;
        }
        if live.is_empty() {
            return self.write(range.clone(), inner);
        }
        self.out.push('(');
        for (number, text) in live {
            let start = self.out.len();
            let _ = write!(self.out, "if {SWITCH}({number}) {{ {text} }} else ");
            self.marks.push((number, start..self.out.len()));
        }
        self.out.push_str("{ ");
        self.write(range.clone(), inner);
        self.out.push_str(" })");
    }
}

/// Finds faults in what it visits.
struct Finder<'a> {
    text: &'a str,
    path: &'a Path,
    next: &'a mut u32,
    functions: Vec<String>,
    faults: Vec<Fault>,
    places: BTreeMap<(usize, std::cmp::Reverse<usize>), Place>,
}

impl Finder<'_> {
    fn fault(&mut self, at: usize, what: String) -> u32 {
        let number = *self.next;
        *self.next += 1;
        let line = self.text[..at].matches('\n').count() + 1;
        let function = self.functions.last().cloned().unwrap_or_default();
        let path = self.path.to_owned();
        let is_alike = |other: &&Fault| other.function == function && other.what == what;
        let n_before = self.faults.iter().filter(is_alike).count();
        let fault = Fault { number, is_dropped: false, path, line, function, what, n_before };
        self.faults.push(fault);
        number
    }

    /// Another text in the place of a piece.
    fn instead(&mut self, piece: Range<usize>, text: String) {
        let before = fault::on_one_line(&self.text[piece.clone()]);
        let what = format!("{before} -> {}", fault::on_one_line(&text));
        let number = self.fault(piece.start, what);
        let place = self.places.entry((piece.start, std::cmp::Reverse(piece.end))).or_default();
        place.instead.push((number, text));
    }

    /// Something more at a position; `text` is given the number of the fault.
    fn insert(&mut self, at: usize, what: String, text: impl FnOnce(u32) -> String) {
        let number = self.fault(at, what);
        let place = self.places.entry((at, std::cmp::Reverse(at))).or_default();
        place.is_insertion = true;
        place.instead.push((number, text(number)));
    }

    /// A function without its body, and what is in the body. What is constant cannot ask a switch.
    fn function(&mut self, attributes: &[syn::Attribute], of: &syn::Signature, body: &syn::Block) {
        if fault::is_of_tests(attributes) || of.constness.is_some() {
            return;
        }
        self.functions.push(of.ident.to_string());
        let at = body.brace_token.span.open().byte_range().end;
        for value in fault::values(&of.output) {
            self.insert(at, format!("always {value}"), |number| {
                format!(" if {SWITCH}({number}) {{ return {value}; }}")
            });
        }
        self.visit_block(body);
        self.functions.pop();
    }

    /// Arms that can be left out because another takes everything, and guards that can be wrong.
    fn arms(&mut self, arms: &[syn::Arm]) {
        // A name in capitals is a constant or a variant.
        let takes_all = |arm: &syn::Arm| match &arm.pat {
            _ if arm.guard.is_some() => false,
            syn::Pat::Wild(_) => true,
            syn::Pat::Ident(name) => {
                name.subpat.is_none()
                    && name.ident.to_string().starts_with(|c: char| c.is_lowercase() || c == '_')
            }
            _ => false,
        };
        let has_rest = arms.iter().any(takes_all);
        for arm in arms {
            let pattern = arm.pat.span().byte_range();
            let name = fault::on_one_line(&self.text[pattern.clone()]);
            match &arm.guard {
                None if has_rest && !takes_all(arm) => {
                    self.insert(pattern.end, format!("without arm {name}"), |number| {
                        format!(" if !{SWITCH}({number})")
                    });
                }
                Some((_, guard)) if !fault::binds(guard) => {
                    let guard = guard.span().byte_range();
                    self.instead(guard.clone(), "true".to_owned());
                    self.instead(guard, "false".to_owned());
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !fault::is_of_tests(&item.attrs) {
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
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    fn visit_expr_match(&mut self, found: &'ast syn::ExprMatch) {
        self.arms(&found.arms);
        visit::visit_expr_match(self, found);
    }

    fn visit_expr_if(&mut self, found: &'ast syn::ExprIf) {
        if matches!(*found.cond, Expr::MethodCall(_) | Expr::Call(_) | Expr::Path(_)) {
            let piece = found.cond.span().byte_range();
            let opposite = format!("!({})", &self.text[piece.clone()]);
            self.instead(piece, opposite);
        }
        visit::visit_expr_if(self, found);
    }

    fn visit_expr_macro(&mut self, found: &'ast syn::ExprMacro) {
        if found.mac.path.is_ident("matches") {
            let piece = found.span().byte_range();
            let opposite = format!("!{}", &self.text[piece.clone()]);
            self.instead(piece, opposite);
        }
    }

    fn visit_expr_unary(&mut self, found: &'ast syn::ExprUnary) {
        if matches!(found.op, UnOp::Not(_) | UnOp::Neg(_)) && !matches!(*found.expr, Expr::Lit(_)) {
            let without = self.text[found.expr.span().byte_range()].to_owned();
            self.instead(found.span().byte_range(), without);
        }
        visit::visit_expr_unary(self, found);
    }

    fn visit_expr_binary(&mut self, found: &'ast syn::ExprBinary) {
        let (left, right) = (found.left.span().byte_range(), found.right.span().byte_range());
        if !fault::binds(&found.left) && !fault::binds(&found.right) {
            for operator in fault::instead_of(&found.op) {
                let operands = (&self.text[left.clone()], &self.text[right.clone()]);
                let text = match found.op {
                    // A place cannot stand in parentheses of its own on the left.
                    syn::BinOp::AddAssign(_)
                    | syn::BinOp::SubAssign(_)
                    | syn::BinOp::BitAndAssign(_)
                    | syn::BinOp::BitOrAssign(_) => {
                        format!("{} {operator} {}", operands.0, operands.1)
                    }
                    _ => format!("({}) {operator} ({})", operands.0, operands.1),
                };
                self.instead(left.start..right.end, text);
            }
        }
        visit::visit_expr_binary(self, found);
    }
}
