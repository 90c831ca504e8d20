//! The flags of `assize replay` (C-4, C-28, C-29).

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What did the log's callers do, and what would this change break?
#[derive(Debug, Args)]
#[command(
    before_help = "Example:\n  assize replay examples/cloudtrail --change scp=examples/policies/deny-regions.json"
)]
pub(crate) struct ReplayArgs {
    /// CloudTrail logs, or directories of them: files as CloudTrail delivers them, a record a
    /// line, events of EventBridge, CSV of CloudTrail Lake, or what `aws cloudtrail
    /// lookup-events` prints; also compressed. `-` is standard input.
    #[arg(required = true, value_name = "LOGS")]
    pub(crate) logs: Vec<PathBuf>,
    /// What would be otherwise: a file of changes, or KIND:TARGET=FILE, such as
    /// scp:ou-exam-prod0001=new.json; scp=FILE and rcp=FILE stand for the root. Repeatable;
    /// without it the log is compared with the world.
    #[arg(long = "change", value_name = "CHANGE")]
    pub(crate) changes: Vec<String>,
    /// Only events at or after this time.
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = super::time)]
    pub(crate) since: Option<i64>,
    /// Only events before this time.
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = super::time)]
    pub(crate) until: Option<i64>,
    /// Only events of this account: of its callers, or in its log; repeatable.
    #[arg(long = "account", value_name = "ID")]
    pub(crate) accounts: Vec<assize_model::AccountId>,
    /// Only events of this service, by its event source or the beginning of it, such as s3;
    /// repeatable.
    #[arg(long = "service", value_name = "NAME")]
    pub(crate) services: Vec<String>,
    /// Show groups that do not change, too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Tell which granted actions were used, how often and when last, and which never; with
    /// --change beside the differences, else in their place.
    #[arg(long)]
    pub(crate) used: bool,
    /// Assume nothing of what the world lacks, nor of sessions whose making the log lacks: it is
    /// denied, as in every other command.
    #[arg(long)]
    pub(crate) strict_world: bool,
    /// The management account, where the world has no organization: SCPs do not bind it.
    #[arg(long, value_name = "ID")]
    pub(crate) management_account: Option<assize_model::AccountId>,
    /// Keeps in this file how far the run has come, and goes on from there when it is run again
    /// after it was stopped. A run that ends takes the file away.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// How to print the report.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        env = "ASSIZE_FORMAT",
        hide_env = true
    )]
    pub(crate) format: ReplayFormat,
    /// Where the report goes; standard output by default.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
}

/// How the report of a replay is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayFormat {
    /// For people.
    Human,
    /// One JSON record a line, between a header and a summary.
    Ndjson,
    /// One line a group, separated by commas.
    Csv,
    /// One page for a browser that needs nothing else.
    Html,
}
