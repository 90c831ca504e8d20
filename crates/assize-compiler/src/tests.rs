//! Small worlds: policies as JSON in the layers of one frame, requests as rows.

mod allocation;
mod cases;
mod overlays;
mod principals;
mod random;
mod recompile;

use std::ops::Range;
use std::sync::Arc;

use assize_model::{PolicyId, PolicyType, PrincipalKind, split_action};
use assize_policy::{LibraryBuilder, LoadMode, LoadOptions, PolicyLibrary};

use super::*;
use crate::decide::MIN_FACT_ROWS;

/// The account of every principal here.
const ACCOUNT: &str = "111111111111";

fn catalog() -> Arc<Catalog> {
    Catalog::bundled().expect("the bundled catalog reads")
}

/// Documents and sets to compile.
#[derive(Default)]
struct Input {
    builder: LibraryBuilder,
    n_documents: u32,
    sets: Vec<PolicySetSpec>,
}

impl Input {
    /// A document in the given type; a text that does not load is poison.
    fn document(&mut self, policy_type: PolicyType, text: &str) -> PolicyId {
        let id = PolicyId::new(self.n_documents).expect("few documents");
        self.n_documents += 1;
        let options = LoadOptions::new(policy_type, LoadMode::Import);
        self.builder.insert(id, &Arc::from(text), &options);
        id
    }

    /// A set of documents, each with its node. Gives the position of the spec.
    fn set(&mut self, policy_type: PolicyType, n_nodes: u16, documents: &[(String, u16)]) -> usize {
        let documents = documents.iter().map(|(text, node)| SetDocument {
            policy: self.document(policy_type, text),
            node: *node,
        });
        let documents = documents.collect();
        self.sets.push(PolicySetSpec { documents, n_nodes });
        self.sets.len() - 1
    }

    fn library(&self) -> PolicyLibrary {
        self.builder.build()
    }

    fn compile(
        &self,
        options: &CompileOptions,
    ) -> (DecisionTables, Vec<PolicySetId>, CompileReport) {
        let library = self.library();
        let input = CompileInput { catalog: &catalog(), library: &library, sets: &self.sets };
        compile(input, options).expect("within the limits")
    }
}

/// A document of some statements, each without its braces.
fn policy<S: AsRef<str>>(statements: &[S]) -> String {
    let statements: Vec<String> =
        statements.iter().map(|statement| format!("{{{}}}", statement.as_ref())).collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

/// The value of a key in a request.
#[derive(Debug, Clone)]
enum Value {
    Single(&'static str),
    List(Vec<&'static str>),
    Colliding,
}

/// One row.
#[derive(Debug, Clone)]
struct Request {
    frame: u32,
    principal: u32,
    action: &'static str,
    resource: &'static str,
    context: Vec<(&'static str, Value)>,
}

/// Columns that own what they need.
#[derive(Default)]
struct Batch {
    principal: Vec<u32>,
    action: Vec<ActionRef>,
    resource: Vec<u32>,
    frame: Vec<u32>,
    keys: Vec<Vec<ValueId>>,
    values: Values<'static>,
    principals: Principals,
    resources: Vec<&'static str>,
    frames: Frames,
    /// The number of each frame that was given.
    frame_numbers: Vec<u32>,
}

impl Batch {
    /// Rows of requests. Unknown actions go into the overlay.
    fn new(
        tables: &DecisionTables,
        overlay: &mut Overlay,
        frames: Vec<Frame>,
        principals: Vec<(PrincipalEntry, Vec<(&'static str, &'static str)>)>,
        requests: &[Request],
    ) -> Self {
        let catalog = catalog();
        let mut batch = Self::default();
        for frame in frames {
            batch.frame_numbers.extend(batch.frames.intern(frame));
        }
        for (mut principal, constants) in principals {
            for (key, value) in constants {
                if let Some(key) = overlay.key(tables, &key.to_ascii_lowercase()) {
                    principal.constants.push((key, batch.values.intern_single(value)));
                }
            }
            principal.constants.sort_unstable();
            batch.principals.push(principal);
        }
        let n_keys = tables.n_keys() + overlay.keys().len();
        batch.keys = vec![vec![ValueId::ABSENT; requests.len()]; n_keys];
        for (row, request) in requests.iter().enumerate() {
            batch.principal.push(request.principal);
            batch.frame.push(batch.frame_numbers[request.frame as usize]);
            let (service, name) = split_action(request.action).expect("an action");
            batch.action.push(match catalog.action(service, name) {
                Some(action) => action.into(),
                None => overlay
                    .add_action(&service.parse().unwrap(), &name.parse().unwrap())
                    .expect("few actions"),
            });
            let known = batch.resources.iter().position(|r| *r == request.resource);
            let at = known.unwrap_or_else(|| {
                batch.resources.push(request.resource);
                batch.resources.len() - 1
            });
            batch.resource.push(u32::try_from(at).expect("few resources"));
            for (key, value) in &request.context {
                let Some(key) = overlay.key(tables, &key.to_ascii_lowercase()) else { continue };
                batch.keys[key.index()][row] = match value {
                    Value::Single(text) => batch.values.intern_single(text),
                    Value::List(texts) => batch.values.intern_list(texts),
                    Value::Colliding => batch.values.colliding(),
                };
            }
        }
        batch
    }

    /// Lends the columns, with those of keys.
    fn with<R>(&self, act: impl FnOnce(&RequestColumns<'_>) -> R) -> R {
        let texts = self.resources.concat();
        let mut start = 0;
        let places = self.resources.iter().map(|text| {
            let len = u32::try_from(text.len()).expect("short texts");
            start += len;
            ResourcePlace { start: start - len, len, constants: 0 }
        });
        let places: Vec<ResourcePlace> = places.collect();
        act(&RequestColumns {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            frame: &self.frame,
            keys: &self.keys,
            values: &self.values,
            principals: &self.principals,
            resources: Resources { texts: ["", &texts], places: &places, constants: &[Vec::new()] },
            frames: &self.frames,
        })
    }

    /// Decides the rows in every way there is: few and many, as new ones and by what was kept.
    fn decide(&self, tables: &DecisionTables, overlay: &Overlay) -> Vec<DecisionRow> {
        let few = self.decide_thrice(tables, overlay);
        let many = self.repeated(MIN_FACT_ROWS).decide_thrice(tables, overlay);
        assert_eq!(many, few.repeat(MIN_FACT_ROWS), "decided many times at once");
        few
    }

    /// Decides the rows three times with the same working memory: as new ones, while what their
    /// layers say is kept, and by what was kept. Then the last of them alone.
    fn decide_thrice(&self, tables: &DecisionTables, overlay: &Overlay) -> Vec<DecisionRow> {
        let mut scratch = Scratch::new();
        let mut decide = |rows: Range<usize>| {
            let mut out = vec![DecisionRow::default(); rows.len()];
            self.with(|columns| {
                tables.decide(Some(overlay), columns, rows, &mut scratch, &mut out);
            });
            out
        };
        let whole = 0..self.frame.len();
        let first = decide(whole.clone());
        assert_eq!(decide(whole.clone()), first, "decided again");
        assert_eq!(decide(whole.clone()), first, "decided by what was kept");
        let last = whole.end / 2..whole.end;
        assert_eq!(decide(last.clone()), first[last], "a part of the rows");
        first
    }

    /// The same rows over and over.
    fn repeated(&self, times: usize) -> Self {
        Self {
            principal: self.principal.repeat(times),
            action: self.action.repeat(times),
            resource: self.resource.repeat(times),
            frame: self.frame.repeat(times),
            keys: self.keys.iter().map(|column| column.repeat(times)).collect(),
            values: self.values.clone(),
            principals: self.principals.clone(),
            resources: self.resources.clone(),
            frames: self.frames.clone(),
            frame_numbers: self.frame_numbers.clone(),
        }
    }

    fn trace(&self, tables: &DecisionTables, overlay: &Overlay, row: usize) -> RowTrace {
        self.with(|columns| {
            tables.trace(&catalog(), Some(overlay), columns, row).expect("the row is there")
        })
    }
}

/// A principal of a kind with the names the tests use.
fn principal(kind: PrincipalKind) -> PrincipalEntry {
    let mut entry = PrincipalEntry::new(kind);
    let arn = match kind {
        PrincipalKind::User => "arn:aws:iam::111111111111:user/ana",
        PrincipalKind::RoleSession => "arn:aws:sts::111111111111:assumed-role/R/s",
        PrincipalKind::FederatedUser | PrincipalKind::FederatedRoot => {
            "arn:aws:sts::111111111111:federated-user/F"
        }
        PrincipalKind::Root | PrincipalKind::AssumedRoot => "arn:aws:iam::111111111111:root",
        PrincipalKind::Oai => "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
        PrincipalKind::Service | PrincipalKind::Federated | PrincipalKind::Anonymous => "",
    };
    if !arn.is_empty() {
        entry.arn = Some(arn.into());
        entry.partition = "aws".into();
    }
    match kind {
        PrincipalKind::User | PrincipalKind::FederatedUser => {
            entry.entity_arn = Some("arn:aws:iam::111111111111:user/ana".into());
            entry.unique_id = Some("AIDAEXAMPLE".into());
        }
        PrincipalKind::RoleSession => {
            entry.entity_arn = Some("arn:aws:iam::111111111111:role/R".into());
            entry.unique_id = Some("AROAEXAMPLE".into());
        }
        PrincipalKind::Service => entry.service_names = vec!["lambda.amazonaws.com".into()],
        PrincipalKind::Federated => entry.provider = Some("accounts.google.com".into()),
        _ => {}
    }
    if kind.has_account() {
        entry.account = ACCOUNT.parse().ok();
        entry.canonical_id = Some("c0ffee".into());
    }
    entry
}
