//! Tables as text, for tests and for people who compare two of them.

use std::fmt::Write as _;

use assize_model::{ActionId, Id};

use super::{Cell, DecisionTables, PolicySet};
use crate::intern::Document;
use crate::program::condition::{Test, Texts};
use crate::program::template::TemplatePiece;
use crate::program::{Atom, Body, Part, PrincipalTest, ResourceTest, Target};

impl DecisionTables {
    /// The tables as text: sets in order, each with its stretches of equal cells. Equal tables
    /// have equal texts, whatever made them.
    pub fn dump(&self) -> String {
        let mut text = String::new();
        let mut write = |line: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = text.write_fmt(line);
            text.push('\n');
        };
        for (id, key, scope) in self.keys() {
            write(format_args!("key {} {key} {scope:?}", id.0));
        }
        for (at, atom) in self.program.atoms.iter().enumerate() {
            write(format_args!(
                "atom {at} {:?} of key {} {:?}",
                atom.quantifier, atom.key, atom.test
            ));
        }
        for (at, body) in self.program.bodies.iter().enumerate() {
            write(format_args!(
                "statement {at} {body:?} {:?}",
                body.atoms.of(&self.program.atom_ids)
            ));
        }
        for (at, set) in self.sets.iter().enumerate() {
            let members = set.members.of(&self.members);
            write(format_args!(
                "set {at} nodes {} poison {:?} {members:?}",
                set.n_nodes, set.poison
            ));
            self.dump_cells(set, &mut write);
        }
        text
    }

    fn dump_cells(&self, set: &PolicySet, write: &mut impl FnMut(std::fmt::Arguments<'_>)) {
        let Some(places) = set.places else { return };
        let mut last: Option<String> = None;
        for action in (0..self.n_actions).map(ActionId::from_index) {
            let Some(cell) = self.cell(places, action.get()) else { continue };
            let line = format!(
                "{:?} deny {} allow {}",
                cell.allow,
                self.dump_rules(cell.denies),
                self.dump_rules(cell.allows)
            );
            if last.as_ref() != Some(&line) {
                write(format_args!("  from {} {line}", action.get()));
                last = Some(line);
            }
        }
    }

    fn dump_rules(&self, part: Part) -> String {
        let mut text = String::new();
        for rule in part.of(&self.rules) {
            let bodies = match rule.target() {
                Target::Index(at) => &*self.program.indexes[at as usize].bodies,
                Target::Body(at) | Target::Unconditional(at) => &[at],
            };
            let _ = write!(text, "[{}@{} {bodies:?}]", rule.document, rule.node);
        }
        text
    }

    /// The tables as text that hangs on their content alone: documents and sets with their cells,
    /// each sorted by what is in them. Tables of equal sets have equal texts, whether they were
    /// compiled at once or again ([`crate::recompile`]).
    pub fn canonical_dump(&self) -> String {
        let live = self.live_documents();
        let mut documents: Vec<(String, u32)> =
            live.iter().map(|&at| (self.document_text(&self.documents[at as usize]), at)).collect();
        documents.sort_unstable();
        // Documents that differ only in what no table knows, such as the spelling of a key, have
        // one number.
        let mut ranks = vec![usize::MAX; self.documents.len()];
        for (rank, equal) in documents.chunk_by(|a, b| a.0 == b.0).enumerate() {
            for (_, at) in equal {
                ranks[*at as usize] = rank;
            }
        }
        let mut sets: Vec<String> =
            self.sets.iter().map(|set| self.set_text(set, &ranks)).collect();
        sets.sort_unstable();
        let document =
            |(text, at): &(String, u32)| format!("document {}\n{text}", ranks[*at as usize]);
        let mut texts: Vec<String> = documents.iter().map(document).collect();
        texts.append(&mut sets);
        texts.concat()
    }

    fn set_text(&self, set: &PolicySet, ranks: &[usize]) -> String {
        let mut text = format!("set nodes {} poison {:?}", set.n_nodes, set.poison);
        for member in set.members.of(&self.members) {
            let _ = write!(text, " [{}@{}]", ranks[member.document as usize], member.node);
        }
        text.push('\n');
        let Some(places) = set.places else { return text };
        let mut last = None;
        for action in (0..self.n_actions).map(ActionId::from_index) {
            let at = self.cell_position(places, action.get());
            let Some(cell) = at.and_then(|at| self.cells.get(at as usize)) else { continue };
            if last != at {
                last = at;
                let _ = writeln!(text, "  from {} {}", action.get(), self.cell_text(cell));
            }
        }
        text
    }

    /// A cell by the places of its statements.
    fn cell_text(&self, cell: &Cell) -> String {
        let mut text = format!("{:?}", cell.allow);
        for (effect, rules) in [("deny", cell.denies), ("allow", cell.allows)] {
            let _ = write!(text, " {effect}");
            for rule in rules.of(&self.rules) {
                let (kind, bodies, documents) = match rule.target() {
                    Target::Index(at) => {
                        let index = &self.program.indexes[at as usize];
                        ("index", &*index.bodies, &*index.documents)
                    }
                    Target::Body(at) => ("if", &[at][..], &[][..]),
                    Target::Unconditional(at) => ("always", &[at][..], &[][..]),
                };
                let statements: Vec<u16> = bodies
                    .iter()
                    .map(|&body| self.program.bodies[body as usize].statement)
                    .collect();
                let (document, node) = (rule.document, rule.node);
                let _ = write!(text, " [{document}@{node} {kind} {statements:?} {documents:?}]");
            }
        }
        text
    }

    fn document_text(&self, document: &Document) -> String {
        if document.source.policy().is_none() {
            return "  poison\n".to_owned();
        }
        let mut text = String::new();
        for at in document.bodies.start as usize..document.bodies.end as usize {
            self.write_body(&self.program.bodies[at], &mut text);
            let _ = writeln!(text, " actions {:?}", self.program.action_ranges(at));
        }
        text
    }

    fn write_body(&self, body: &Body, text: &mut String) {
        let program = &self.program;
        let _ = write!(text, "  {} {:?} principal ", body.statement, body.effect);
        let _ = match body.principal {
            PrincipalTest::Program(at) => write!(text, "{:?}", program.principals[at as usize]),
            other => write!(text, "{other:?}"),
        };
        let _ = match body.resource {
            ResourceTest::Matches(at) => write!(text, " resource {}", self.list_text(at)),
            ResourceTest::MatchesNot(at) => write!(text, " resource not {}", self.list_text(at)),
            other => write!(text, " resource {other:?}"),
        };
        let atoms = body.atoms.of(&program.atom_ids).iter();
        let mut atoms: Vec<String> =
            atoms.map(|&at| self.atom_text(&program.atoms[at as usize])).collect();
        atoms.sort_unstable();
        let _ = write!(text, " if {atoms:?}");
    }

    fn list_text(&self, list: u32) -> String {
        let program = &self.program;
        let list = program.pattern_lists[list as usize];
        let (patterns, templates) = list.of(&program.pattern_ids, &program.template_ids);
        let patterns = patterns.iter().map(|&at| format!("{:?}", program.patterns[at as usize]));
        let templates = templates.iter().map(|&at| {
            let segments = &program.templates[at as usize].segments;
            segments.iter().map(|pieces| self.pieces_text(pieces)).collect::<Vec<_>>().join(":")
        });
        let mut texts: Vec<String> = patterns.chain(templates).collect();
        texts.sort_unstable();
        format!("{texts:?}")
    }

    fn atom_text(&self, atom: &Atom) -> String {
        let test = match &atom.test {
            Test::Equal(texts) => format!("Equal {}", self.texts_text(texts)),
            Test::EqualIgnoringCase(texts) => {
                format!("EqualIgnoringCase {}", self.texts_text(texts))
            }
            Test::Like(texts) => format!("Like {}", self.texts_text(texts)),
            other => format!("{other:?}"),
        };
        let key = &self.program.keys[atom.key as usize];
        format!("{key} {:?} {test} memoize {}", atom.quantifier, atom.memoize)
    }

    fn texts_text(&self, texts: &Texts) -> String {
        let templates = texts.templates.iter();
        let templates: Vec<String> = templates
            .map(|template| format!("{:?} {}", template.mode, self.pieces_text(&template.pieces)))
            .collect();
        let set = texts.set.as_ref().map(|set| set.report());
        format!("{:?} {:?} {set:?} {templates:?}", texts.literals, texts.patterns)
    }

    fn pieces_text(&self, pieces: &[TemplatePiece]) -> String {
        let mut text = String::new();
        for piece in pieces {
            let _ = match piece {
                TemplatePiece::Literal(literal) => write!(text, "{literal:?}"),
                TemplatePiece::Star => write!(text, "*"),
                TemplatePiece::One => write!(text, "?"),
                TemplatePiece::Variable { key, default } => {
                    write!(text, "${{{} {default:?}}}", self.program.keys[*key as usize])
                }
            };
        }
        text
    }
}
