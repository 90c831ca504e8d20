//! Keys of requests: what one of them says of others in partial context (E-121).

use super::{Files, check};

/// Policies that allow an action where two keys have the value `1`.
fn both(first: &str, second: &str, rest: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{rest},"Condition":
        {{"StringEquals":{{"{first}":"1","{second}":"1"}}}}}}]}}"#
    )
}

/// One tag or claim says nothing of the others.
#[test]
fn in_partial_context_one_key_says_nothing_of_others() {
    let files = Files::new();
    let ask = |keys: [&str; 2], rest: &str, line: &[&str]| {
        let policy = files.write("policy.json", both(keys[0], keys[1], rest));
        let given = keys.map(|key| format!("{key}=1"));
        let line = [line, &[&*policy, "-c", &given[0]]].concat();
        for command in ["simulate", "explain"] {
            let line = [&[command][..], &line].concat();
            let partial = [&line[..], &["--option", "context=partial"]].concat();
            check(&partial, 3, &[&format!("it depends on {}", keys[1])], &[]);
            check(&[&partial[..], &["-c", &given[1]]].concat(), 0, &["Allowed"], &[]);
            check(&line, 1, &[&format!("asked for and not given: {}", keys[1])], &[]);
        }
    };
    let queue = "arn:aws:sqs:us-east-1:111111111111:q";
    let of_queue = r#""Action":"sqs:TagQueue","Resource":"*""#;
    let role = "arn:aws:iam::111111111111:role/R";
    for stem in ["aws:ResourceTag", "aws:RequestTag", "aws:PrincipalTag"] {
        let keys = [&*format!("{stem}/a"), &format!("{stem}/b")];
        let line = ["-p", role, "-a", "sqs:TagQueue", "-r", queue, "--policy"];
        ask(keys, of_queue, &line);
    }
    let host = "token.actions.githubusercontent.com";
    let provider = format!("arn:aws:iam::111111111111:oidc-provider/{host}");
    let web = "sts:AssumeRoleWithWebIdentity";
    let trust = format!(r#""Principal":{{"Federated":"{provider}"}},"Action":"{web}""#);
    let keys = [&*format!("{host}:aud"), &format!("{host}:sub")];
    ask(keys, &trust, &["-p", &provider, "-a", web, "-r", role, "--trust"]);
    ask(keys, of_queue, &["-p", role, "-a", "sqs:TagQueue", "-r", queue, "--policy"]);
}

/// A service that states an account has said nothing of the resource that it acts for.
#[test]
fn in_partial_context_an_account_says_nothing_of_a_resource() {
    let files = Files::new();
    let policy = files.write(
        "queue.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},
            "Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:t"},
            "StringEquals":{"aws:SourceAccount":"111111111111"}}}]}"#,
    );
    let queue = "arn:aws:sqs:us-east-1:111111111111:q";
    let line = ["simulate", "--resource-policy", &policy, "-p", "sns.amazonaws.com"];
    let line = [&line[..], &["-a", "sqs:SendMessage", "-r", queue]].concat();
    let account = [&line[..], &["-c", "aws:SourceAccount=111111111111"]].concat();
    check(&account, 1, &["asked for and not given: aws:SourceArn"], &[]);
    let partial = [&account[..], &["--option", "context=partial"]].concat();
    check(&partial, 3, &["it depends on aws:SourceArn"], &[]);
    let arn = "aws:SourceArn=arn:aws:sns:us-east-1:111111111111:t";
    check(&[&partial[..], &["-c", arn]].concat(), 0, &["Allowed"], &[]);
}

/// The tags that a world has of a resource are all there are, and the request may say otherwise.
#[test]
fn tags_on_record_are_known_in_partial_context() {
    let files = Files::new();
    let queue = "arn:aws:sqs:us-east-1:111111111111:q";
    let policy =
        both("aws:ResourceTag/a", "aws:ResourceTag/b", r#""Action":"sqs:TagQueue","Resource":"*""#);
    let world = files.write(
        "w.assize.json",
        format!(
            r#"{{"assize":1,"options":{{"context":"partial"}},"accounts":{{"111111111111":{{"users":
            {{"u":{{"inline":{{"p":{policy}}}}}}}}}}},"resources":[{{"arn":"{queue}","tags":{{"b":"1"}}}}]}}"#
        ),
    );
    let user = "arn:aws:iam::111111111111:user/u";
    let line = ["simulate", "--world", &world, "-p", user, "-a", "sqs:TagQueue", "-r", queue];
    let missing = "asked for and not given: aws:ResourceTag/";
    check(&line, 1, &[&format!("{missing}a\n")], &[]);
    let given = [&line[..], &["-c", "aws:ResourceTag/a=1"]].concat();
    check(&given, 1, &[&format!("{missing}b\n")], &[]);
    let other =
        line.map(|word| if word == queue { "arn:aws:sqs:us-east-1:111111111111:o" } else { word });
    check(&[&other[..], &["-c", "aws:ResourceTag/a=1"]].concat(), 3, &["aws:ResourceTag/b"], &[]);
}
