//! A synthetic trail: CloudTrail files of any size, made of the shapes of real events.
//!
//! Each record is one of the bundled events with what differs from call to call put in anew: ids,
//! time, account, region, caller, session, address, and the ids of the resources it names. A
//! quarter of the records repeat a call in everything but ids and time, as a quarter of the
//! bundled events do ([`TrailShape::repeats`]); no two others are the same call.

mod template;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use assize_formats::format_time;
use fastrand::Rng;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use template::{Fill, Template};

/// The bundled log of real events.
const EVENTS: &[u8] = include_bytes!("../../examples/cloudtrail/events.json.gz");

/// When a trail begins: 2024-05-01T00:00:00Z.
const START: i64 = 1_714_521_600;
/// How often CloudTrail delivers, in seconds.
const DELIVERY: i64 = 300;
/// The regions of a trail.
const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "eu-central-1"];
/// Records of one file: at least, and less than.
const FILE_RECORDS: std::ops::Range<usize> = 200..2_000;
/// Callers of one name in an account, where there are few and where hardly one calls twice.
const N_CALLERS: u64 = 8;
const N_NEW_CALLERS: u64 = 1 << 32;
/// Addresses of a caller.
const N_ADDRESSES: u64 = 3;
/// How long a session lives, in seconds.
const SESSION: i64 = 3_600;
/// Sessions of a caller at a time: of calls that repeat, and of others.
const N_SESSIONS: [u64; 2] = [2, 50];
/// Different calls of one account and region that are made again and again.
const N_ROUTINE_CALLS: u64 = 2_000;

/// What a trail is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrailShape {
    /// How many records.
    pub n_records: usize,
    /// Accounts whose calls are logged.
    pub n_accounts: u64,
    /// The share of records that repeat a call, of 1.
    pub repeats: f64,
    /// Callers of one name in an account.
    pub n_callers: u64,
    /// The seed; equal shapes give equal bytes.
    pub seed: u64,
}

impl TrailShape {
    /// The shape whose figures are recorded, at a size.
    pub fn of(n_records: usize) -> Self {
        let (repeats, n_callers) = (0.25, N_CALLERS);
        Self { n_records, n_accounts: 10, repeats, n_callers, seed: crate::workload::SEED }
    }

    /// A trail in which nothing comes again: each record has a caller, a session and a resource of
    /// its own.
    pub fn ever_new(n_records: usize) -> Self {
        Self { repeats: 0.0, n_callers: N_NEW_CALLERS, ..Self::of(n_records) }
    }
}

/// The files of a trail, one after the other.
#[derive(Debug)]
pub struct Trail {
    templates: Vec<Template>,
    shape: TrailShape,
    rng: Rng,
    n_left: usize,
    /// The file at hand, counted from the first.
    n_files: u64,
}

/// One file of a trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailFile {
    /// Its path below the bucket, as CloudTrail names it.
    pub path: String,
    /// Its records: `{"Records":[…]}`.
    pub text: Vec<u8>,
    /// How many these are.
    pub n_records: usize,
}

/// A trail on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The files, in the order of their times.
    pub files: Vec<PathBuf>,
    /// Records in all of them.
    pub n_records: usize,
    /// Bytes of their text.
    pub n_text_bytes: u64,
    /// Bytes on disk.
    pub n_bytes: u64,
}

impl Trail {
    /// A trail of a shape.
    ///
    /// # Errors
    /// When the bundled events do not read.
    pub fn new(shape: TrailShape) -> Result<Self, Box<dyn Error>> {
        let mut text = String::new();
        MultiGzDecoder::new(EVENTS).read_to_string(&mut text)?;
        let log: serde_json::Value = serde_json::from_str(&text)?;
        let events = log["Records"].as_array().ok_or("the bundled log has no records")?;
        let templates: Vec<_> = events.iter().filter_map(Template::new).collect();
        let rng = Rng::with_seed(shape.seed);
        Ok(Self { templates, shape, rng, n_left: shape.n_records, n_files: 0 })
    }

    /// Writes the files of the trail, compressed, below a folder.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write(self, folder: &Path) -> io::Result<Written> {
        let mut written = Written::default();
        for file in self {
            let path = folder.join(&file.path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            let out = BufWriter::new(File::create(&path)?);
            let mut encoder = GzEncoder::new(out, Compression::default());
            encoder.write_all(&file.text)?;
            encoder.finish()?.flush()?;
            written.n_records += file.n_records;
            written.n_text_bytes += file.text.len() as u64;
            written.n_bytes += path.metadata()?.len();
            written.files.push(path);
        }
        Ok(written)
    }

    /// One record of a file: a call that is made again and again, or one that is made once.
    fn record(&mut self, account: u64, region: &str, time: i64, out: &mut Vec<u8>) {
        let is_routine = self.rng.f64() < self.shape.repeats;
        let mut call = if is_routine {
            let number = self.rng.u64(..N_ROUTINE_CALLS);
            Rng::with_seed(number << 20 | account << 4 | region.len() as u64)
        } else {
            self.rng.fork()
        };
        let template = &self.templates[call.usize(..self.templates.len())];
        let time = time + self.rng.i64(0..DELIVERY);
        let fill = Fill {
            account: account_id(account),
            region,
            time,
            caller: call.u64(..self.shape.n_callers),
            session: call.u64(..N_SESSIONS[usize::from(!is_routine)]),
            session_start: time.div_euclid(SESSION) * SESSION,
            address: call.u64(..N_ADDRESSES),
        };
        template.write(&fill, &mut call, &mut self.rng, out);
    }
}

impl Iterator for Trail {
    type Item = TrailFile;

    fn next(&mut self) -> Option<TrailFile> {
        if self.n_left == 0 {
            return None;
        }
        let places = self.shape.n_accounts * REGIONS.len() as u64;
        let (slot, place) = (self.n_files / places, self.n_files % places);
        let (account, region) = (place % self.shape.n_accounts, place / self.shape.n_accounts);
        let region = REGIONS[usize::try_from(region).unwrap_or_default() % REGIONS.len()];
        let time = START + i64::try_from(slot).unwrap_or_default() * DELIVERY;
        let n_records = self.rng.usize(FILE_RECORDS).min(self.n_left);
        let mut text = br#"{"Records":["#.to_vec();
        for index in 0..n_records {
            if index > 0 {
                text.push(b',');
            }
            self.record(account, region, time, &mut text);
        }
        text.extend_from_slice(b"]}");
        self.n_left -= n_records;
        self.n_files += 1;
        let delivered = format_time(time + DELIVERY);
        let (day, minute) = (&delivered[..10], delivered[11..16].replace(':', ""));
        let (account, unique) = (account_id(account), unique_name(&mut self.rng));
        let path = format!(
            "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}T{minute}Z_{unique}.json.gz",
            day.replace('-', "/"),
            day.replace('-', ""),
        );
        Some(TrailFile { path, text, n_records })
    }
}

/// The id of the account of a number.
fn account_id(number: u64) -> String {
    format!("{:012}", 100_000_000_007 + number * 11_111_111_113)
}

fn unique_name(rng: &mut Rng) -> String {
    (0..16).map(|_| rng.alphanumeric()).collect()
}
