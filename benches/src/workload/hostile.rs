//! Policies and requests made to blow up what reads, compiles or decides them.

use std::fmt::Write as _;

use super::Workload;
use super::request::{WorkloadRequest, WorkloadStream};
use super::world::{Entity, PolicyDocument, World};

/// Entries of one policy, statements or values, so that none is over a limit.
const N_DOCUMENT: usize = 500;
const NAME: &str = "hostile";
/// Requests that differ.
const N_REQUESTS: usize = 256;
/// Stars of each pattern of [`Hostile::Stars`].
const N_STARS: usize = 40;
/// Rare parts that every resource has in front.
const N_RARE: usize = 10;
/// Patterns that meet the long resources of [`Hostile::Resource`].
const N_LONG_PATTERNS: usize = 50;
/// Bytes of a resource for each step of size in [`Hostile::Resource`]; 64 of them are the most
/// that a request may have.
const RESOURCE_BYTES: usize = 1_000;

/// A way to be hostile, at any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hostile {
    /// Resource patterns of forty stars between letters that every resource is made of.
    Stars,
    /// Resource patterns that nearly match, each in its own place.
    Patterns,
    /// Statements whose action patterns overlap in every way, with `?` and stars in turns.
    Alternations,
    /// Values of conditions, with wildcards, without, and addresses.
    Values,
    /// Policies in one policy set, each of one statement.
    Policies,
    /// Resource texts in steps of a thousand bytes, against patterns of many stars.
    Resource,
}

impl Hostile {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Stars,
        Self::Patterns,
        Self::Alternations,
        Self::Values,
        Self::Policies,
        Self::Resource,
    ];

    /// What there are `size` of, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stars => "patterns of 40 stars",
            Self::Patterns => "patterns in one cell",
            Self::Alternations => "statements of alternations",
            Self::Values => "condition values",
            Self::Policies => "policies in one set",
            Self::Resource => "kB of resource",
        }
    }

    /// The size that has to be borne.
    pub fn largest(self) -> usize {
        match self {
            Self::Stars | Self::Alternations => 2_000,
            Self::Patterns | Self::Values => 10_000,
            Self::Policies => 5_000,
            Self::Resource => 64,
        }
    }

    /// The workload of a size: each of its first requests is about another resource.
    pub fn workload(self, size: usize) -> Workload {
        let requests = (0..N_REQUESTS).map(|at| self.request(size, at)).collect();
        Workload {
            name: "hostile",
            world: self.world(size),
            stream: WorkloadStream::repeated(requests),
        }
    }

    fn world(self, size: usize) -> World {
        let statements: Vec<String> = match self {
            Self::Stars => (0..size).map(stars).collect(),
            Self::Patterns => (0..size).map(near_miss).collect(),
            Self::Alternations => (0..size).map(alternation).collect(),
            Self::Values => values(size),
            Self::Policies => (0..size).map(small).collect(),
            Self::Resource => (0..N_LONG_PATTERNS).map(stars).collect(),
        };
        let n_document = if self == Self::Policies { 1 } else { N_DOCUMENT };
        let policies = statements.chunks(n_document).enumerate().map(|(at, statements)| {
            let statements = statements.join(",");
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
            PolicyDocument::customer(&format!("hostile-{at}"), &text)
        });
        let mut world = World::new(false);
        world.add(Entity::role(NAME, &[], policies.collect(), None));
        world
    }

    fn request(self, size: usize, at: usize) -> WorkloadRequest {
        WorkloadRequest {
            entity: 0,
            principal: Entity::role(NAME, &[], Vec::new(), None).arn(),
            action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"][at % 3].to_owned(),
            resource: self.resource(size, at),
            context: context(at),
        }
    }

    fn resource(self, size: usize, at: usize) -> String {
        let rare = (0..N_RARE).map(|n| format!("rare{n}")).collect::<Vec<_>>().concat();
        match self {
            Self::Stars => format!("arn:aws:s3:::b/{rare}{}c{at}", "ab".repeat(100)),
            Self::Resource => {
                let n_pairs = (size * RESOURCE_BYTES - rare.len()) / 2 - 20;
                format!("arn:aws:s3:::b/{rare}{}c{at}", "ab".repeat(n_pairs))
            }
            Self::Alternations => format!("arn:aws:s3:::b/{}x{at}", "abba".repeat(20)),
            _ => format!("arn:aws:s3:::bucket/{at}/part-{}/end", at * 7 % size.max(1)),
        }
    }
}

fn statement(action: &str, resource: &str, condition: &str) -> String {
    let condition = match condition {
        "" => String::new(),
        tests => format!(r#","Condition":{{{tests}}}"#),
    };
    format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"{condition}}}"#)
}

/// Every part of the pattern is in the text, but the rare one stands before the stars.
fn stars(at: usize) -> String {
    let pieces = ["a*", "b*", "ab*", "ba*"];
    let stars: String = (0..N_STARS).map(|n| pieces[at >> (2 * (n % 6)) & 3]).collect();
    statement("s3:*", &format!("arn:aws:s3:::*{stars}rare{}*", at % N_RARE), "")
}

/// The beginning and the end fit always, the middle hardly ever.
fn near_miss(at: usize) -> String {
    statement("s3:*Object", &format!("arn:aws:s3:::bucket/*/part-{at}/*end"), "")
}

fn alternation(at: usize) -> String {
    let letters = ["G", "P", "D", "e", "t", "O", "b", "j"];
    let action = format!("s3:*{}?*{}*", letters[at % 8], letters[at / 8 % 8]);
    let pieces = ["a?", "*b", "?b*", "a*?"].into_iter().cycle().skip(at % 4).take(4 + at % 13);
    statement(&action, &format!("arn:aws:s3:::*{}{at}", pieces.collect::<String>()), "")
}

/// Statements with a thousand values at most, a third of them with wildcards and a third addresses.
fn values(size: usize) -> Vec<String> {
    let list = |from: usize, n: usize, value: &dyn Fn(usize) -> String| {
        let values: Vec<String> = (from..from + n).map(|at| format!("\"{}\"", value(at))).collect();
        values.join(",")
    };
    let chunks = (0..size).step_by(N_DOCUMENT).map(|from| {
        let n = N_DOCUMENT.min(size - from).div_ceil(3);
        let mut condition = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            condition,
            r#""StringLike":{{"aws:UserAgent":[{}]}},"StringNotEquals":{{"aws:Referer":[{}]}},"NotIpAddress":{{"aws:SourceIp":[{}]}}"#,
            list(from, n, &|at| format!("*a*{at}*b?")),
            list(from, n, &|at| format!("https://host-{at}.example.com/")),
            list(from, n, &|at| format!("10.{}.{}.0/24", at / 256 % 256, at % 256)),
        );
        statement("s3:*", "*", &condition)
    });
    chunks.collect()
}

fn small(at: usize) -> String {
    let services = ["s3:GetObject", "s3:Put*", "ec2:*", "iam:Get*"];
    let condition = format!(r#""StringEquals":{{"aws:RequestTag/t{}":"v{at}"}}"#, at % 50);
    statement(services[at % 4], &format!("arn:aws:s3:::bucket-{at}/*"), &condition)
}

fn context(at: usize) -> Vec<(&'static str, String)> {
    vec![
        ("aws:UserAgent", format!("{}b{}", "a".repeat(200), at % 10)),
        ("aws:Referer", format!("https://host-{at}.example.com/")),
        ("aws:SourceIp", format!("10.200.{}.{}", at / 256 % 256, at % 256)),
        ("aws:RequestTag/t1", format!("v{at}")),
    ]
}
