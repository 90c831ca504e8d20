//! The command line (C, sections 1 and 2).

mod policy;
mod replay;
mod request;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use self::policy::PolicyArgs;
pub(crate) use self::replay::{ReplayArgs, ReplayFormat};
pub(crate) use self::request::{AwsShape, ContextPair, Expected, RequestArgs};
use crate::status::Status;

/// Decides AWS IAM requests, and says why.
#[derive(Debug, Parser)]
#[command(
    name = "assize",
    version,
    about = "Decides AWS IAM requests, and says why",
    before_help = "Example:\n  assize simulate --policy examples/policies/s3-read.json -a s3:GetObject -r arn:aws:s3:::reports/2024.csv",
    after_help = "Exit codes: 0 the answer is yes, 1 it is no, 2 there is no answer, 3 it depends on missing context.",
    disable_help_subcommand = true,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The flags of all commands (C-20, C-22). Each has an environment variable.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct Global {
    /// The world: a scenario file, a directory of exports, or an imported world. Without it,
    /// `world` of the nearest assize.toml upwards.
    #[arg(long, global = true, value_name = "PATH", env = "ASSIZE_WORLD", hide_env = true)]
    pub(crate) world: Option<PathBuf>,
    /// Whether `--world` stood on the command line, and so may not be passed over.
    #[arg(skip)]
    pub(crate) world_is_stated: bool,
    /// When to use color; NO_COLOR is obeyed.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "ASSIZE_COLOR",
        hide_env = true
    )]
    pub(crate) color: ColorChoice,
    /// Say only what matters.
    #[arg(
        short,
        long,
        global = true,
        env = "ASSIZE_QUIET",
        hide_env = true,
        value_parser = FalseyValueParser::new(),
        action = clap::ArgAction::SetTrue
    )]
    pub(crate) quiet: bool,
    /// Say more: provenance, what was read, timings.
    #[arg(
        short,
        long,
        global = true,
        env = "ASSIZE_VERBOSE",
        hide_env = true,
        value_parser = FalseyValueParser::new(),
        action = clap::ArgAction::SetTrue
    )]
    pub(crate) verbose: bool,
    /// How many threads to use; by default one a core.
    #[arg(
        long,
        global = true,
        value_name = "N",
        env = "ASSIZE_JOBS",
        hide_env = true,
        value_parser = clap::value_parser!(u16).range(1..=MAX_JOBS)
    )]
    pub(crate) jobs: Option<u16>,
    /// The time it is, for requests that state none: RFC 3339 or seconds since the epoch.
    #[arg(
        long,
        global = true,
        value_name = "T",
        allow_negative_numbers = true,
        env = "ASSIZE_TIME",
        hide_env = true,
        value_parser = time
    )]
    pub(crate) time: Option<i64>,
    /// An option of evaluation, such as checkResourceTypes=false; repeatable.
    #[arg(
        long = "option",
        global = true,
        value_name = "NAME=VALUE",
        env = "ASSIZE_OPTION",
        hide_env = true,
        value_delimiter = ENVIRONMENT_SEPARATOR,
        value_parser = stated_option
    )]
    pub(crate) options: Vec<StatedOption>,
}

/// Most threads that can be asked for.
const MAX_JOBS: i64 = 1_024;
/// What separates several options in `ASSIZE_OPTION`.
const ENVIRONMENT_SEPARATOR: char = ';';

/// When output is colored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// One `--option NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatedOption {
    pub(crate) name: String,
    pub(crate) value: String,
}

fn stated_option(text: &str) -> Result<StatedOption, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok(StatedOption { name: name.to_owned(), value: value.to_owned() })
        }
        _ => Err("expected NAME=VALUE, for example strictActions=true".to_owned()),
    }
}

/// A time as F-3 has it.
pub(super) fn time(text: &str) -> Result<i64, String> {
    text.parse().ok().or_else(|| assize_formats::parse_time(text)).ok_or_else(|| {
        "expected RFC 3339 with an offset, such as 2024-05-01T12:00:00Z, or seconds since the epoch"
            .to_owned()
    })
}

/// The commands (C, section 1).
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Simulate(SimulateArgs),
    Explain(ExplainArgs),
    Batch(BatchArgs),
    Replay(ReplayArgs),
    Test(TestArgs),
    Check(CheckArgs),
    Import(ImportArgs),
    World(WorldArgs),
    Catalog(CatalogArgs),
    Demo(DemoArgs),
    Completions(CompletionsArgs),
    Help(HelpArgs),
}

/// May this principal do this?
#[derive(Debug, Args)]
#[command(
    before_help = "Example:\n  assize simulate --world examples/world.assize.yaml -p arn:aws:iam::200611803367:user/privesc-sre-user -a iam:CreateUser"
)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// How to print the answer.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        env = "ASSIZE_FORMAT",
        hide_env = true
    )]
    pub(crate) format: DecisionFormat,
    /// Which of the shapes of AWS's simulator `--format aws` has.
    #[arg(long, value_name = "SHAPE", default_value = "present")]
    pub(crate) aws_shape: AwsShape,
    /// The answer that is wanted: exit 0 when it is the answer, 1 when it is another.
    #[arg(long, value_name = "DECISION")]
    pub(crate) expect: Option<Expected>,
    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
}

/// How decisions are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecisionFormat {
    /// For people.
    Human,
    /// One decision record a line.
    Json,
    /// The response of AWS's policy simulator.
    Aws,
}

/// Why, layer by layer and statement by statement?
#[derive(Debug, Args)]
#[command(
    before_help = "Example:\n  assize explain --world examples/world.assize.yaml -p arn:aws:iam::200611803367:user/privesc-sre-user -a iam:CreateUser",
    mut_arg("action", |action| action.required(false).required_unless_present("message"))
)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// How to print the explanation.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        env = "ASSIZE_FORMAT",
        hide_env = true
    )]
    pub(crate) format: TextOrJson,
    /// What AWS said when it denied: principal, action and resource are read from it, and its
    /// reason is compared with the answer.
    #[arg(long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// The answer that is wanted: exit 0 when it is the answer, 1 when it is another.
    #[arg(long, value_name = "DECISION")]
    pub(crate) expect: Option<Expected>,
    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
}

/// Decide all of these: a stream of requests to a stream of decisions.
#[derive(Debug, Args)]
#[command(
    before_help = "Example:\n  assize batch --world examples/world.assize.yaml examples/requests.ndjson.gz --format compact -o decisions.tsv"
)]
pub(crate) struct BatchArgs {
    /// Request streams (NDJSON, also compressed with gzip or zstd), decided in order; `-` is
    /// standard input.
    #[arg(required = true, value_name = "REQUESTS")]
    pub(crate) requests: Vec<PathBuf>,
    /// Where decisions go; standard output by default.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// How decisions are written.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "ndjson",
        env = "ASSIZE_FORMAT",
        hide_env = true
    )]
    pub(crate) format: BatchFormat,
    /// Write everything about each decision.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Permit decisions in another order than the requests; this version keeps the order.
    #[arg(long)]
    pub(crate) unordered: bool,
    /// The answer that every request is wanted to have: exit 1 when one has another.
    #[arg(long, value_name = "DECISION")]
    pub(crate) expect: Option<Expected>,
    /// Leave malformed rows out of the exit status.
    #[arg(long)]
    pub(crate) allow_errors: bool,
    /// A deny that was observed must be of the same kind to agree.
    #[arg(long)]
    pub(crate) strict_observed: bool,
    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
}

/// How a batch writes its decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BatchFormat {
    /// One JSON record a line, between a header and a summary.
    Ndjson,
    /// One short line a decision: id, code, layer, statement, separated by tabs.
    Compact,
}

/// Do the policies still do what we wrote down?
#[derive(Debug, Args)]
#[command(before_help = "Example:\n  assize test examples")]
pub(crate) struct TestArgs {
    /// Scenarios, or directories of them (*.assize.yaml, *.assize.yml, *.assize.json).
    #[arg(required = true, value_name = "PATHS")]
    pub(crate) paths: Vec<PathBuf>,
    /// How to print results.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        env = "ASSIZE_FORMAT",
        hide_env = true
    )]
    pub(crate) format: TestFormat,
    /// Run only the tests whose name has this text, or that have it as rule or tag.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// List the policy statements that no test matches.
    #[arg(long)]
    pub(crate) coverage: bool,
    /// Fail on tests that are pending or marked `only`.
    #[arg(long)]
    pub(crate) ci: bool,
}

/// How test results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestFormat {
    /// For people.
    Human,
    /// One JSON document.
    Json,
    /// JUnit XML.
    Junit,
    /// The Test Anything Protocol.
    Tap,
}

/// Is this policy valid? Findings of reading it, with the source underlined; advice that a linter
/// gives beyond that is not among them.
#[derive(Debug, Args)]
#[command(before_help = "Example:\n  assize check examples/policies")]
pub(crate) struct CheckArgs {
    /// Policies, scenarios, or directories of them; `-` is standard input.
    #[arg(required = true, value_name = "PATHS")]
    pub(crate) paths: Vec<PathBuf>,
    /// How to print findings.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        env = "ASSIZE_FORMAT",
        hide_env = true
    )]
    pub(crate) format: TextOrJson,
    /// The level from which a finding is a failure.
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    pub(crate) deny: DenyLevel,
    /// The policy type, when the content does not tell: IM managed identity, II inline identity,
    /// PB boundary, SP session, TP trust, RP resource-based, VE endpoint, SCP, RCP.
    #[arg(long = "type", value_name = "TYPE", value_parser = policy_type, ignore_case = true)]
    pub(crate) policy_type: Option<assize_model::PolicyType>,
    /// The service that owns the resource of a resource-based policy, such as s3.
    #[arg(long, value_name = "PREFIX")]
    pub(crate) service: Option<String>,
    /// Check as policies that AWS already stores: what only a write refuses is no error.
    #[arg(long)]
    pub(crate) import: bool,
}

/// A result for people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextOrJson {
    /// For people.
    Human,
    /// One JSON document; one a line where there are several answers.
    Json,
}

/// A level of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DenyLevel {
    /// E
    #[value(alias = "E")]
    Error,
    /// S and above
    #[value(alias = "S", alias = "security")]
    SecurityWarning,
    /// W and above
    #[value(alias = "W")]
    Warning,
    /// G and above: every finding
    #[value(alias = "G")]
    Suggestion,
}

fn policy_type(text: &str) -> Result<assize_model::PolicyType, String> {
    assize_model::PolicyType::from_abbreviation(&text.to_ascii_uppercase()).ok_or_else(|| {
        let known = assize_model::PolicyType::ALL.map(assize_model::PolicyType::abbreviation);
        format!("expected one of {}", known.join(", "))
    })
}

/// Make one world of what the account exports say.
#[derive(Debug, Args)]
#[command(
    before_help = "Example:\n  assize import examples/world/accounts.json -o world",
    override_usage = "assize import [OPTIONS] [TYPE] <FILES>... --output <WORLD>"
)]
pub(crate) struct ImportArgs {
    /// Outputs of AWS CLI commands, or directories of them; in front their type, when the content
    /// does not tell: account-authorization-details, organization, roots, organizational-units,
    /// accounts-for-parent, parents, policies, policy, targets, policies-for-target,
    /// delegated-administrators, resource-policy, vpc-endpoints, resources-ndjson.
    #[arg(required = true, value_name = "FILES")]
    pub(crate) words: Vec<String>,
    /// The folder of the world: a new one, or one whose contents the new files replace.
    #[arg(short, long, value_name = "WORLD")]
    pub(crate) output: PathBuf,
    /// The account that the files are about.
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<assize_model::AccountId>,
    /// The ARN of the resource whose policy the files are, where they do not say it.
    #[arg(long, value_name = "ARN")]
    pub(crate) arn: Option<String>,
    /// What list-…-for-parent was called with.
    #[arg(long, value_name = "ID")]
    pub(crate) parent_id: Option<String>,
    /// What list-parents was called with.
    #[arg(long, value_name = "ID")]
    pub(crate) child_id: Option<String>,
    /// What list-targets-for-policy was called with.
    #[arg(long, value_name = "ID")]
    pub(crate) policy_id: Option<String>,
    /// What list-policies-for-target was called with.
    #[arg(long, value_name = "ID")]
    pub(crate) target_id: Option<String>,
}

/// What does a world hold?
#[derive(Debug, Args)]
#[command(before_help = "Example:\n  assize world info examples/world.assize.yaml")]
pub(crate) struct WorldArgs {
    #[command(subcommand)]
    pub(crate) command: WorldCommand,
}

/// The questions about a world.
#[derive(Debug, Subcommand)]
pub(crate) enum WorldCommand {
    Info(WorldInfoArgs),
}

/// Counts what a world holds, and says what is doubtful about it.
#[derive(Debug, Args)]
#[command(before_help = "Example:\n  assize world info examples/world.assize.yaml")]
pub(crate) struct WorldInfoArgs {
    /// The world: a scenario file, a directory of exports, or an imported world.
    #[arg(value_name = "WORLD")]
    pub(crate) world: Option<PathBuf>,
    /// How to print it.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        env = "ASSIZE_FORMAT",
        hide_env = true
    )]
    pub(crate) format: TextOrJson,
}

/// What does this action take? Services, actions, resource types, condition keys and ARNs of the
/// service authorization reference.
#[derive(Debug, Args)]
#[command(before_help = "Example:\n  assize catalog s3:GetObject")]
pub(crate) struct CatalogArgs {
    /// A service (s3), an action (s3:GetObject), actions (s3:Get*), a resource type (s3:bucket),
    /// a condition key (aws:SourceIp), an ARN, or a word to look for; nothing lists the services.
    #[arg(value_name = "QUERY")]
    pub(crate) queries: Vec<String>,
    /// How to print what is found.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        env = "ASSIZE_FORMAT",
        hide_env = true
    )]
    pub(crate) format: TextOrJson,
}

/// What can this do for me? A million requests, decided there and then.
#[derive(Debug, Args)]
#[command(before_help = "Example:\n  assize demo")]
pub(crate) struct DemoArgs {
    /// How many requests to decide.
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=MAX_DEMO_REQUESTS))]
    pub(crate) requests: usize,
    /// What the requests are varied by.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Most requests of a demo.
const MAX_DEMO_REQUESTS: u64 = 1_000_000_000;

/// Prints a completion script for a shell.
#[derive(Debug, Args)]
#[command(
    before_help = "Example:\n  assize completions bash > ~/.local/share/bash-completion/completions/assize"
)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: Shell,
}

/// Prints help: of a command, or what a rule of the specification says.
#[derive(Debug, Args)]
#[command(before_help = "Example:\n  assize help rule E-53")]
pub(crate) struct HelpArgs {
    /// A command, or `rule` and the id of a rule.
    #[arg(value_name = "COMMAND")]
    pub(crate) words: Vec<String>,
}

impl Cli {
    /// Reads the command line of this process.
    pub(crate) fn from_command_line() -> Result<Self, clap::Error> {
        Self::from_words(std::env::args_os())
    }

    /// Reads a command line.
    pub(crate) fn from_words(
        words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(words)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        cli.global.world_is_stated = is_stated(&matches, "world");
        Ok(cli)
    }
}

/// Whether a global flag stands on the command line, before or behind the command.
fn is_stated(matches: &clap::ArgMatches, id: &str) -> bool {
    let mut level = Some(matches);
    while let Some(matches) = level {
        if matches.value_source(id) == Some(ValueSource::CommandLine) {
            return true;
        }
        level = matches.subcommand().map(|(_, below)| below);
    }
    false
}

/// Prints what clap has to say instead of running a command: help, the version, or an error.
pub(crate) fn report(error: &clap::Error) -> Status {
    use clap::error::ErrorKind;
    match error.kind() {
        ErrorKind::DisplayVersion => print_version(),
        ErrorKind::DisplayHelp => match error.print() {
            Ok(()) => Status::Yes,
            Err(_) => Status::NoAnswer,
        },
        _ => {
            // Nobody reads standard error: the status says it all.
            let _ = error.print();
            Status::NoAnswer
        }
    }
}

/// The version, with the date of the catalog.
fn print_version() -> Status {
    let mut text = format!("assize {}", env!("CARGO_PKG_VERSION"));
    if let Ok(catalog) = assize_catalog::Catalog::bundled() {
        let _ = write!(text, " (catalog {})", catalog.date());
    }
    match writeln!(std::io::stdout().lock(), "{text}") {
        Ok(()) => Status::Yes,
        Err(_) => Status::NoAnswer,
    }
}

#[cfg(test)]
mod tests;
