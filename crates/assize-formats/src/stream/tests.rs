use std::io::{Read, Write};

use assize_model::{Decision, ReasonCode};

use super::*;
use crate::{Agreement, MAX_LINE_BYTES};

/// Reads some bytes at once only.
struct Slow<'b>(&'b [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.1.min(buffer.len());
        self.0.read(&mut buffer[..n])
    }
}

type Lines = Vec<(u64, Option<Vec<u8>>)>;

/// All lines with their numbers, and the error behind them.
fn read_all(reader: impl Read) -> (Lines, Option<StreamError>) {
    lines_of(RequestStream::open(reader))
}

fn lines_of<R: Read>(
    stream: Result<RequestStream<'_, R>, StreamError>,
) -> (Lines, Option<StreamError>) {
    let mut lines = Lines::new();
    let mut stream = match stream {
        Ok(stream) => stream,
        Err(error) => return (lines, Some(error)),
    };
    let mut chunk = Chunk::new();
    loop {
        match stream.read(&mut chunk) {
            Ok(true) => {
                let owned = |line: Line<'_>| (line.number, line.bytes.map(<[u8]>::to_vec));
                lines.extend(chunk.lines().map(owned));
            }
            Ok(false) => return (lines, None),
            Err(error) => return (lines, Some(error)),
        }
    }
}

fn check(bytes: &[u8], expected: &[(u64, Option<&str>)]) {
    let expected: Lines =
        expected.iter().map(|(n, text)| (*n, text.map(|text| text.as_bytes().to_vec()))).collect();
    let check = |(lines, error): (Lines, Option<StreamError>), way: &str| {
        assert!(error.is_none(), "{way}: {error:?}");
        assert!(lines == expected, "{way}: {} lines, {}", lines.len(), bytes.len());
    };
    check(lines_of(RequestStream::of(bytes)), "in memory");
    for step in [1, 7, usize::MAX] {
        if bytes.len() > 10_000 && step < 100 {
            continue;
        }
        check(read_all(Slow(bytes, step)), &format!("step {step}"));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// F-30.
#[test]
fn lines_end_in_lf_or_crlf_and_blank_ones_count() {
    check(b"", &[]);
    check(b"\n\r\n \t\n", &[]);
    check(b"a", &[(1, Some("a"))]);
    check(b"a\n", &[(1, Some("a"))]);
    check(b"a\r\n\nb\n\n c \r\n", &[(1, Some("a")), (3, Some("b")), (5, Some(" c "))]);
    check(b"a\n\nb", &[(1, Some("a")), (3, Some("b"))]);
}

/// F-6: a line beyond the limit is passed over, the others are read.
#[test]
fn long_lines_are_passed_over() {
    let full = "x".repeat(MAX_LINE_BYTES);
    let over = "y".repeat(MAX_LINE_BYTES + 1);
    let text = format!("a\n{full}\r\n{over}\n{over}{over}{over}\nb\n{over}");
    let lines =
        [(1, Some("a")), (2, Some(&*full)), (3, None), (4, None), (5, Some("b")), (6, None)];
    check(text.as_bytes(), &lines);
}

#[test]
fn many_chunks_give_every_line_once() {
    let lines: Vec<String> =
        (0..60_000).map(|n| format!("{{\"id\":{n},\"x\":\"{}\"}}", "z".repeat(n % 97))).collect();
    let text = lines.join("\n");
    assert!(text.len() > 2 * CHUNK_BYTES);
    let in_memory = lines_of(RequestStream::of(text.as_bytes()));
    for (read, error) in [read_all(text.as_bytes()), in_memory] {
        assert!(error.is_none());
        assert_eq!(read.len(), lines.len());
        for (index, ((number, bytes), line)) in read.iter().zip(&lines).enumerate() {
            assert_eq!((*number, bytes.as_deref()), (index as u64 + 1, Some(line.as_bytes())));
        }
    }
}

/// F-34.
#[test]
fn compressed_streams_are_recognized() {
    let expected = [(1, Some("a")), (2, Some("b")), (3, Some("c"))];
    check(&gzip(b"a\nb\nc\n"), &expected);
    let members = [gzip(b"a\nb"), gzip(b"\nc\n")].concat();
    check(&members, &expected);
    let zstd = zstd::encode_all(&b"a\nb\n"[..], 1).unwrap();
    let frames = [zstd, zstd::encode_all(&b"c"[..], 1).unwrap()].concat();
    check(&frames, &expected);
}

#[test]
fn truncated_streams_give_their_lines_and_then_the_error() {
    let text = (0..5_000).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
    for whole in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 1).unwrap()] {
        let cut = whole.len() - 3;
        let (lines, error) = read_all(&whole[..cut]);
        let error = error.unwrap();
        assert_eq!(error.kind(), StreamErrorKind::Truncated, "{error}");
        assert!(error.to_string().contains(&format!("at byte {cut}")), "{error}");
        assert!(lines.iter().zip(0..).all(|((number, _), n)| *number == n + 1));
    }
    let whole = gzip(text.as_bytes());
    let (lines, _) = read_all(&whole[..whole.len() / 2]);
    assert!((100..5_000).contains(&lines.len()), "{}", lines.len());
    let damaged: Vec<u8> = gzip(text.as_bytes()).iter().map(|b| b ^ 0x10).collect();
    let damaged = [&gzip(b"a\n")[..], &damaged].concat();
    let (lines, error) = read_all(&damaged[..]);
    assert_eq!((lines.len(), error.unwrap().kind()), (1, StreamErrorKind::Corrupt));
}

#[test]
fn a_failing_reader_ends_the_stream() {
    struct Failing(bool);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("gone"));
            }
            (&b"a\nb\n"[..]).read(buffer)
        }
    }
    let (lines, error) = read_all(Failing(false));
    assert_eq!((lines.len(), error.unwrap().kind()), (2, StreamErrorKind::Io));
}

/// F-30, F-5.
#[test]
fn a_header_is_the_first_line_with_a_version() {
    let text = b"\n{\"assize\":1,\"stream\":\"requests\",\"options\":{\"context\":\"partial\"},\"snapshot\":\"s\"}\n{}\n";
    let stream = RequestStream::open(&text[..]).unwrap();
    assert_eq!(stream.header().unwrap().snapshot.as_deref(), Some("s"));
    assert_eq!(read_all(&text[..]).0, [(3, Some(b"{}".to_vec()))]);
    // However much blank lines there are in front of it.
    let late = [&vec![b'\n'; 1 << 20][..], text].concat();
    for header in [
        RequestStream::open(&late[..]).unwrap().header().cloned(),
        RequestStream::of(&late).unwrap().header().cloned(),
    ] {
        assert_eq!(header.unwrap().snapshot.as_deref(), Some("s"));
    }
    for (line, message) in [
        (r#"{"assize":2}"#, "version 2 of the format; this program reads 1 at `/assize`"),
        (r#"{"assize":1,"stream":"decisions"}"#, "`decisions` is none of `requests` at `/stream`"),
        (
            r#"{"assize":1,"default":{}}"#,
            "unknown field `default`; did you mean `defaults`? at `/default`",
        ),
        (
            r#"{"assize":1,"defaults":{"contxt":{}}}"#,
            "unknown field `contxt`; did you mean `context`? at `/defaults/contxt`",
        ),
        (r#"{"assize":1"#, "expected `,` or `}`, found the end at column 12"),
        ("\u{feff}{\"assize\":1}", "a byte-order mark; the text is UTF-8 without one"),
    ] {
        let error = RequestStream::open(line.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), StreamErrorKind::Header);
        assert_eq!(error.to_string(), format!("the header of the stream: {message}"));
    }
}

/// F-31, formats section 6.6.
#[test]
fn a_decision_stream_has_a_header_and_a_summary() {
    let provenance = Provenance {
        engine: "1.0.0".into(),
        catalog: "2026-09-26".into(),
        snapshot: "sha256:9f2c…".into(),
        after: None,
    };
    let mut out = Vec::new();
    write_stream_header(&mut out, StreamMode::Fast, ContextMode::Complete, &provenance);
    let mut summary = Summary::default();
    summary.count(Decision::Allowed, ReasonCode::Allow, false);
    let mut part = Summary::default();
    part.count(Decision::ImplicitDeny, ReasonCode::NoAllow, false);
    part.count_agreement(Agreement::Agrees);
    summary.add(&part);
    summary.write(&mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"assize\":1,\"stream\":\"decisions\",\"mode\":\"fast\",\"context\":\"complete\",\
         \"provenance\":{\"assize\":1,\"engine\":\"1.0.0\",\"catalog\":\"2026-09-26\",\
         \"snapshot\":\"sha256:9f2c…\"}}\n\
         {\"summary\":{\"requests\":2,\"Allowed\":1,\"ImplicitDeny\":1,\"agree\":1}}\n"
    );
}

#[test]
fn every_counter_is_written_in_order() {
    let mut summary = Summary::default();
    summary.count(Decision::ExplicitDeny, ReasonCode::InvalidPolicy, false);
    summary.count(Decision::ImplicitDeny, ReasonCode::NoAllow, true);
    summary.count(Decision::Indeterminate, ReasonCode::MissingContext, true);
    summary.count_error();
    summary.count_agreement(Agreement::Disagrees);
    summary.count_agreement(Agreement::Unknown);
    for note in ["b", "a", "b"] {
        summary.count_note(note, 1);
    }
    summary.records = 9;
    summary.count_skipped("duplicate");
    let mut out = Vec::new();
    summary.write(&mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"summary\":{\"requests\":4,\"ExplicitDeny\":1,\"ImplicitDeny\":1,\"Indeterminate\":1,\
         \"error\":1,\"kindUncertain\":1,\"invalidPolicy\":1,\"disagree\":1,\"unknown\":1,\
         \"notes\":{\"a\":1,\"b\":2},\"records\":9,\"skipped\":{\"duplicate\":1}}}\n"
    );
}
