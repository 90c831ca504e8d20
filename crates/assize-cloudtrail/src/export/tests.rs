use std::time::{Duration, Instant};

use super::*;

/// The records of an export, and the places and messages of its faults, read in parts of a size.
fn read(log: &[u8], size: usize) -> (String, Vec<(usize, String)>) {
    let (mut records, mut told) = (Vec::new(), Vec::new());
    let (mut start, mut end) = (0, 0);
    let mut export = None;
    loop {
        end = (end + size).min(log.len());
        let is_last = end == log.len();
        if export.is_none() {
            match Export::recognize(&log[start..end], is_last) {
                Recognized::Export(found, n) => {
                    export = Some(found);
                    start += n;
                }
                Recognized::Records => return ("records".to_owned(), told),
                Recognized::More => assert!(!is_last, "the last part says what it is"),
            }
        }
        if let Some(export) = &mut export {
            let mut faults = Vec::new();
            let n = export.read(&log[start..end], is_last, &mut records, &mut faults);
            told.extend(faults.into_iter().map(|fault| (start + fault.offset, fault.message)));
            start += n;
        }
        if is_last {
            return (String::from_utf8(records).unwrap_or_default(), told);
        }
    }
}

fn check(log: &str, records: &[&str], faults: &[(usize, &str)]) {
    let records =
        [records.join("\n"), String::new()].join(if records.is_empty() { "" } else { "\n" });
    let faults: Vec<_> = faults.iter().map(|(at, why)| (*at, (*why).to_owned())).collect();
    for size in [1, 2, 7, 10_000] {
        assert_eq!(read(log.as_bytes(), size), (records.clone(), faults.clone()), "{size}: {log}");
    }
}

#[test]
fn records_are_no_export() {
    for log in
        [r#"{"Records":[]}"#, r#"{"eventName":"A"}"#, "[{}]", "", "  ", "\"x", "nonsense\nx,y\n"]
    {
        for size in [1, 100] {
            assert_eq!(read(log.as_bytes(), size).0, "records", "{log}");
        }
    }
}

/// F-50: the output of `aws cloudtrail lookup-events`.
#[test]
fn looked_up_events_are_records() {
    let event =
        |text: &str| format!(r#"{{"EventId":"1","CloudTrailEvent":{text:?},"Resources":[]}}"#);
    let (a, b) = (r#"{"eventName":"A","x":"\"é"}"#, r#"{"eventName":"B"}"#);
    check(&format!("{{\"Events\":[{},\n {}]}}\n", event(a), event(b)), &[a, b], &[]);
    let paged = format!(r#"{{ "NextToken" : "t]}}" , "Events" : [ {} ] }} "#, event(a));
    check(&format!("{paged}{paged}"), &[a, a], &[]);
    check(r#"{"Events":[],"NextToken":null}"#, &[], &[]);
    let told = format!(r#"{{"ResponseMetadata":{{"a":[1]}},"Events":[{}],"x":1}}"#, event(b));
    check(&format!("{told}{told}"), &[b, b], &[]);
    check(
        &format!(r#"{{"Events":[{{"EventId":"1"}},{},{}]}}"#, event("{\"a\":}"), event(b)),
        &[b],
        &[
            (11, "an event without `CloudTrailEvent`"),
            (27, "`CloudTrailEvent` is no record: at byte 5: expected a value, found `}`"),
        ],
    );
    let cut = format!(r#"{{"Events":[{},{{"Eve"#, event(b));
    let told = read(cut.as_bytes(), 10_000);
    assert_eq!((told.0, told.1.len()), (format!("{b}\n"), 1));
    assert_eq!(told.1[0].1, "the log ends in the middle");
}

/// An object of another kind behind such an object is told: nothing vanishes.
#[test]
fn printed_objects_that_are_not_alike_are_told() {
    let events = r#"{"Events":[{"CloudTrailEvent":"{}"}]}"#;
    let why = "expected an object with one of `Events`, `NextToken`, `QueryStatus`, \
               `QueryStatistics`, `QueryResultRows`";
    for other in [r#"{"Records":[{"eventName":"A"}]}"#, r#"{"eventName":"A"}"#, "{}"] {
        let at = events.len() + 1;
        check(&format!("{events}\n{other}"), &["{}"], &[(at, why)]);
    }
    check(&format!("{events}\n{{ "), &["{}"], &[(events.len() + 1, why)]);
}

/// What stands behind an event is read once, not for every event before it.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test may measure")]
fn long_lists_of_events_are_read_in_time() {
    let n_events = 20_000;
    let events = vec![r#"{"CloudTrailEvent":"{}"}"#; n_events].join(",");
    let log = format!(r#"{{"Events":[{events}],"NextToken":"{}"}}"#, "é".repeat(1 << 20));
    let begun = Instant::now();
    let (records, told) = read(log.as_bytes(), log.len());
    assert_eq!((records.lines().count(), told.len()), (n_events, 0));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// Bytes that are no text end what can be read, not what stands before them.
#[test]
fn printed_bytes_that_are_no_text_are_told() {
    let good = br#"{"Events":[{"CloudTrailEvent":"{}"},"#;
    for (bad, at, why) in [
        (&b"\xff"[..], 0, "expected an event or the end of the list"),
        (&b"{\"EventId\":\"\xff\"}]}"[..], 17, "the log ends in the middle"),
    ] {
        let (records, told) = read(&[&good[..], bad].concat(), 10_000);
        assert_eq!((&*records, told.len()), ("{}\n", 1), "{told:?}");
        assert_eq!((told[0].0, &*told[0].1), (good.len() + at, why));
    }
}

/// F-50: CloudTrail Lake, the record in a column of its own.
#[test]
fn rows_with_whole_records_are_records() {
    let (a, b) = (r#"{"eventName":"A"}"#, r#"{"eventName":"B"}"#);
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let csv = format!("eventID,\"eventJson\"\r\n1,{}\r\n\r\n2,{}", quoted(a), quoted(b));
    check(&csv, &[a, b], &[]);
    check(&format!("\u{feff}eventjson\n{}\n", quoted(a)), &[a], &[]);
    let at = "eventJson\n".len();
    check(
        &format!("eventJson\n{},2\n{}\n\"a\"b\n{}\n", quoted(a), quoted("{"), quoted(b)),
        &[b],
        &[
            (at, "a row of 2 cells where the head has 1"),
            (
                at + 26,
                "`eventJson` is no record: at byte 1: expected a member name in quotes, found the end",
            ),
            (at + 30, "expected a comma behind a quoted cell"),
        ],
    );
    let rows = format!(
        r#"{{"QueryStatus":"FINISHED","QueryStatistics":{{"ResultsCount":1}},"QueryResultRows":[[{{"eventID":"1"}},{{"eventJson":{a:?}}}]]}}"#
    );
    check(&rows, &[a], &[]);
}

/// F-50: CloudTrail Lake, members in columns.
#[test]
fn rows_of_members_are_records() {
    let csv = concat!(
        "eventtime,eventsource,eventname,useridentity,requestparameters,resources,vpcendpointid,additionaleventdata,eventtype,eventcategory,eventid,sharedeventid,errorcode\n",
        "2023-06-07 23:59:12.000,s3.amazonaws.com,GetObject,",
        "\"{type=AssumedRole, principalid=AROAX:s, arn=arn:aws:sts::111111111111:assumed-role/r/a,b=c, accountid=111111111111, accesskeyid=ASIAX, username=null, ",
        "sessioncontext={attributes={creationdate=2023-06-07 23:00:00.000, mfaauthenticated=true}, sessionissuer={type=Role, principalid=AROAX, arn=arn:aws:iam::111111111111:role/r, accountid=111111111111, username=r}, webidfederationdata=null, sourceidentity=null}, invokedby=null, onbehalfof=null}\",",
        "\"{bucketName=b, key=a, b.txt, tagSet={\"\"items\"\":[1]}, x=null}\",",
        "\"[{accountid=111111111111, type=AWS::S3::Bucket, arn=arn:aws:s3:::b, arnprefix=null}, {accountid=null, type=null, arn=arn:aws:s3:::b/a, arnprefix=null}]\",null,{x=y},AwsApiCall,Data,e1,,null\n",
    );
    let record = concat!(
        r#"{"eventTime":"2023-06-07T23:59:12.000Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","#,
        r#""userIdentity":{"type":"AssumedRole","principalId":"AROAX:s","arn":"arn:aws:sts::111111111111:assumed-role/r/a,b=c","accountId":"111111111111","accessKeyId":"ASIAX","#,
        r#""sessionContext":{"attributes":{"creationDate":"2023-06-07T23:00:00.000Z","mfaAuthenticated":"true"},"sessionIssuer":{"type":"Role","principalId":"AROAX","arn":"arn:aws:iam::111111111111:role/r","accountId":"111111111111","userName":"r"}}},"#,
        r#""requestParameters":{"bucketName":"b","key":"a, b.txt","tagSet":{"items":[1]}},"#,
        r#""resources":[{"accountId":"111111111111","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"},{"ARN":"arn:aws:s3:::b/a"}],"eventType":"AwsApiCall","eventCategory":"Data","eventID":"e1","assize:unquotedParameters":true}"#,
    );
    check(csv, &[record], &[]);
}

/// The columns that every export of members has.
const TELLING: [&str; 8] = [
    "eventType",
    "eventCategory",
    "eventTime",
    "eventID",
    "sharedEventID",
    "errorCode",
    "vpcEndpointId",
    "userIdentity",
];

/// An export with one row, empty but for the call and one more member.
fn members(name: &str, value: &str) -> String {
    let empty = TELLING.iter().filter(|known| !known.eq_ignore_ascii_case(name));
    let (names, cells): (String, String) =
        empty.map(|known| (format!(",{known}"), ",".to_owned())).unzip();
    format!("eventsource,eventname,{name}{names}\na,B,\"{value}\"{cells}\n")
}

/// A column that was not asked for says nothing: not that a call was allowed, nor that it was one.
#[test]
fn an_export_without_telling_columns_is_refused() {
    let all = TELLING.join(",");
    let row = ",".repeat(TELLING.len() - 1);
    check(
        &format!("eventSource,eventName,{all}\na,B,{row}\n"),
        &[r#"{"eventSource":"a","eventName":"B"}"#],
        &[],
    );
    for name in TELLING {
        let others: Vec<&str> = TELLING.into_iter().filter(|other| *other != name).collect();
        let head = format!("eventSource,eventName,{}\n", others.join(","));
        let why = format!(
            "an export without the column `{name}`: what it leaves out cannot be told from what a \
             record does not hold; select it, or `eventJson`"
        );
        check(&format!("{head}a,B{row}\na,C{row}\n"), &[], &[(head.len(), &why)]);
    }
    let whole =
        "eventJson,eventSource,eventName\n\"{\"\"eventName\"\":\"\"A\"\"}\",a,A\nnull,a,B\n";
    let (records, told) = read(whole.as_bytes(), 10_000);
    assert_eq!(records, "{\"eventName\":\"A\"}\n");
    assert!(told[0].1.starts_with("an export without the columns `eventType`, "), "{told:?}");
    let rows = r#"{"QueryResultRows":[[{"eventSource":"a"},{"eventName":"B"}]]}"#;
    let (records, told) = read(rows.as_bytes(), 10_000);
    assert!(records.is_empty() && told[0].1.contains("`errorCode`"), "{told:?}");
}

/// A value may hold what looks like another member: where there are two, the record says that it
/// could be read otherwise.
#[test]
fn maps_that_could_be_read_otherwise_say_so() {
    let is_told = r#","assize:unquotedParameters":true"#;
    for (map, parameters, could_differ) in [
        ("{bucketName=secret}", r#"{"bucketName":"secret"}"#, false),
        ("{key=a}b}}", r#"{"key":"a}b}"}"#, false),
        ("{key=a, b}", r#"{"key":"a, b"}"#, false),
        ("{}", "{}", false),
        ("{key=a, b=c, bucketName=secret}", r#"{"key":"a","b":"c","bucketName":"secret"}"#, true),
        (
            "{bucketName=secret, key=a}, versionId=zz}",
            r#"{"bucketName":"secret","key":"a}","versionId":"zz"}"#,
            true,
        ),
        (r#"{""key"":""a, b=c"",""x"":1}"#, r#"{"key":"a, b=c","x":1}"#, false),
    ] {
        let (records, told) = read(members("requestparameters", map).as_bytes(), 10_000);
        let mark = if could_differ { is_told } else { "" };
        let record = format!(
            "{{\"eventSource\":\"a\",\"eventName\":\"B\",\"requestParameters\":{parameters}{mark}}}\n"
        );
        assert_eq!((records, told), (record, vec![]), "{map}");
    }
    // Members of other names than the parameters rest on names that are known.
    let (records, _) = read(members("responseelements", "{a=1, b=2}").as_bytes(), 10_000);
    assert!(!records.contains(is_told), "{records}");
}

/// What could be read in two ways is not read at all.
#[test]
fn ambiguous_members_are_told() {
    let row = |identity: &str| members("useridentity", identity);
    let at = row("").find('\n').unwrap_or_default() + 1;
    for (identity, why) in [
        ("{type=X, color=red, arn=a}", None),
        ("{color=red}", Some("`userIdentity`: the member `color` is not known here")),
        ("{type=X, arn=a}}", Some("`userIdentity`: expected the end, found `}`")),
        ("{type=X, arn=a", Some("`userIdentity`: `arn` has no end")),
        ("type", Some("`userIdentity`: expected `{`, found `type`")),
    ] {
        let (records, told) = read(row(identity).as_bytes(), 10_000);
        let expected: Vec<_> = why.iter().map(|why| (at, (*why).to_owned())).collect();
        assert_eq!((records.lines().count(), told), (usize::from(why.is_none()), expected));
    }
    let twice = members("requestparameters", "{k=1, l=2, k=3}");
    let (records, told) = read(twice.as_bytes(), 10_000);
    assert!(records.is_empty() && told[0].1.contains("the member `k` comes twice"), "{told:?}");
}
