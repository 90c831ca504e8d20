//! The real policies of the example world: which ones, under which names, and what stands for the
//! placeholders that their authors left open.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{reindent, source};

/// A policy taken from the source: its name here, its id there, and texts replaced in it alone.
struct Pick {
    name: &'static str,
    id: &'static str,
    replace: &'static [(&'static str, &'static str)],
}

const fn pick(
    name: &'static str,
    id: &'static str,
    replace: &'static [(&'static str, &'static str)],
) -> Pick {
    Pick { name, id, replace }
}

/// The account of the recorded resource policies, and the sandbox account of the example world.
const SANDBOX: (&str, &str) = ("644160558196", "200611803367");

/// The policies of the world, in the order they are written.
const PICKS: [Pick; 30] = [
    // Service control policies.
    pick("scp-deny-regions", "b4190991b331", &[]),
    pick("scp-protect-trails", "3c2c844e470d", &[("[CLOUDTRAIL_NAME]", "*")]),
    pick("scp-deny-iam-user-actions", "c2a0bc367137", &[]),
    pick("scp-no-public-connectivity", "c09e93b19827", &[]),
    pick("scp-protect-guardduty", "b8a053133975", &[]),
    pick("scp-protect-flow-logs", "284b0f33788f", &[]),
    pick("scp-no-resource-policies", "9f5a425be415", &[]),
    pick("scp-no-presigned-urls", "2b0cf94d6c86", &[]),
    pick("scp-resource-perimeter", "cad617b2ba0b", &[]),
    pick("scp-instance-types", "676020196151", &[]),
    // Resource control policies.
    pick("rcp-https-only", "945ffc494243", &[]),
    pick("rcp-trusted-services", "4abb802746d9", &[]),
    pick(
        "rcp-sandbox-isolation",
        "456525ff37a5",
        &[("o-orgid/r-acroot/ou-development/", "o-assizedemo/r-demo/ou-demo-sandbox1/")],
    ),
    pick("rcp-identity-perimeter", "60f0a0ee0541", &[]),
    pick("rcp-s3-tls-version", "93b7ae4f8294", &[]),
    pick(
        "rcp-protect-bucket",
        "7b5038ee741a",
        &[("[BUCKET_TO_PROTECT]", "stratus-red-team-ctes-bucket-qyxyekjbtk")],
    ),
    // The policy of a VPC endpoint.
    pick("endpoint-s3", "126824af39d4", &[]),
    // Resource policies.
    pick(
        "bucket-trail",
        "c36e6e167d88",
        &[SANDBOX, ("nosetest-bucket", "stratus-red-team-ctlr-bucket-zqfsvooxqj")],
    ),
    pick(
        "bucket-office-only",
        "09cc111b36a1",
        &[
            ("DOC-EXAMPLE-BUCKET1/*", "stratus-red-team-backdoor-f-bucket-ufamgrrnmw/*"),
            ("DOC-EXAMPLE-BUCKET", "stratus-red-team-backdoor-f-bucket-ufamgrrnmw"),
        ],
    ),
    pick(
        "bucket-organization",
        "72b827695b06",
        &[
            ("o-aa111bb222", "o-assizedemo"),
            ("DOC-EXAMPLE-BUCKET", "mordors3stack-s3bucket-llp2yingx64a"),
        ],
    ),
    pick(
        "bucket-tls-only",
        "bfdafba6154d",
        &[
            ("DOC-EXAMPLE-BUCKET1/*", "config-bucket-200611803367/*"),
            ("DOC-EXAMPLE-BUCKET", "config-bucket-200611803367"),
        ],
    ),
    pick(
        "bucket-mfa",
        "8d7a8ef783fc",
        &[("DOC-EXAMPLE-BUCKET", "baker221b-bucketsevidenceeeedc25d-1q9cl0tuy4gbm")],
    ),
    pick(
        "bucket-encrypted-uploads",
        "203fae14c31f",
        &[("not-hot-dog", "cdktoolkit-stagingbucket-zbvx22khdave")],
    ),
    pick("key-secrets", "8f20f5012ccc", &[SANDBOX]),
    pick("key-parameters", "5923ad5b85fe", &[SANDBOX]),
    pick("queue-tls-only", "a9a61d99a4ed", &[SANDBOX, ("sqs-test-has-statement", "orders")]),
    pick("topic-owner", "f8605b675241", &[SANDBOX, ("my-test-topic", "alerts")]),
    pick(
        "secret-two-readers",
        "553d9c488eca",
        &[
            (
                "arn:aws:iam::644160558196:user/Peter",
                "arn:aws:iam::200611803367:user/privesc-sre-user",
            ),
            ("arn:aws:iam::040813553448:user/pratyush", "arn:aws:iam::012345678901:user/biden"),
        ],
    ),
    // Session policies.
    pick("session-s3-read", "764175b6b38d", &[]),
    pick("session-office-only", "61b55b35fbde", &[]),
];

/// What stands for the placeholders in every policy, longest first where one contains another.
const PLACEHOLDERS: [(&str, &str); 30] = [
    ("<my-org-id>", "o-assizedemo"),
    ("<third-party-account-a>", "644160558196"),
    ("<third-party-account-b>", "185106417252"),
    ("<load-balancing-account-id>", "127311923021"),
    ("<fin-space-account-id>", "999900001111"),
    ("<service-account-id>", "999900002222"),
    ("<ecr-account-id>", "999900003333"),
    ("<glue-account-id>", "999900004444"),
    ("<CodeArtifact-Region-Account>", "999900005555"),
    ("<third-party-resource>", "arn:aws:s3:::partner-downloads/*"),
    ("<OIDC_provider_name_1>", "token.actions.githubusercontent.com"),
    ("<OIDC_provider_name_2>", "app.terraform.io"),
    ("<my-tenant-value>", "repo:assize-demo/infrastructure:ref:refs/heads/main"),
    ("<my-corporate-cidr>", "192.168.10.0/24"),
    ("<my-vpc-in-this-region>", "vpc-0a1b2c3d4e5f60718"),
    ("<my-vpc-region>", "us-east-1"),
    ("<my-vpc>", "vpc-0a1b2c3d4e5f60718"),
    ("<product-identifier>", "prod-example"),
    ("<unique-identifier>", "example"),
    ("<RegionWithoutDashes>", "useast1"),
    ("<region>", "us-east-1"),
    ("{example-region-1}", "us-east-1"),
    ("{example-region-2}", "eu-central-1"),
    ("{example-inference-profile-geographic-prefix}", "us.*"),
    ("[PRIVILEGED_ROLE]", "OrganizationAccountAccessRole"),
    ("${Region}", "*"),
    ("${Account}", "*"),
    ("<string>", "example"),
    ("<action>", "s3:GetObject"),
    ("<third-party-resource-arn>", "arn:aws:s3:::partner-downloads/*"),
];

/// Policies that also stand in a file of their own, for the first commands of the README.
const SINGLE_FILES: [(&str, &str); 3] = [
    ("deny-regions", "scp-deny-regions"),
    ("office-only", "session-office-only"),
    ("s3-read", "session-s3-read"),
];

/// The policies by name, in the order of [`PICKS`], with placeholders filled.
pub(super) struct Library(Vec<(&'static str, String)>);

impl Library {
    /// The text of a policy.
    pub(super) fn get(&self, name: &str) -> Result<&str> {
        let found = self.0.iter().find(|(other, _)| *other == name);
        Ok(&found.with_context(|| format!("there is no policy `{name}`"))?.1)
    }
}

#[derive(Deserialize)]
struct Record<'r> {
    id: &'r str,
    #[serde(borrow)]
    document: &'r RawValue,
}

/// Reads the policies out of their source.
pub(super) fn read(root: &Path) -> Result<Library> {
    let text = source::read(root, "policies.ndjson.gz")?;
    let mut documents = BTreeMap::new();
    for line in text.lines() {
        let record: Record<'_> = serde_json::from_str(line)?;
        documents.insert(record.id, record.document.get());
    }
    let mut library = Vec::with_capacity(PICKS.len());
    for pick in &PICKS {
        let document = documents.get(pick.id).with_context(|| format!("no policy {}", pick.id))?;
        library.push((pick.name, fill(pick, document)?));
    }
    Ok(Library(library))
}

/// Replaces the placeholders of a document. One that is left is an error.
fn fill(pick: &Pick, document: &str) -> Result<String> {
    let mut text = reindent::compact(document);
    for (placeholder, value) in pick.replace.iter().chain(&PLACEHOLDERS) {
        text = text.replace(placeholder, value);
    }
    let left =
        text.find(['<', '>']).or_else(|| text.find("{example")).or_else(|| text.find("_TO_"));
    let rest = left.map(|at| &text[at..]).unwrap_or_default();
    ensure!(left.is_none(), "`{}` has a placeholder left: {rest:.40}", pick.name);
    serde_json::from_str::<&RawValue>(&text).with_context(|| pick.name.to_owned())?;
    Ok(text)
}

/// All of the policies as one scenario file, which the world includes.
pub(super) fn scenario(library: &Library) -> Result<String> {
    let mut members = Vec::with_capacity(library.0.len());
    for (name, document) in &library.0 {
        members.push(format!("{}:{document}", serde_json::to_string(name)?));
    }
    let text = format!(
        r#"{{"assize":1,"name":"policies of the example world","policies":{{{}}}}}"#,
        members.join(",")
    );
    Ok(reindent::pretty(&text) + "\n")
}

/// The policies with a file of their own: name and text.
pub(super) fn single_files(library: &Library) -> Result<Vec<(&'static str, String)>> {
    let mut files = Vec::new();
    for (file, name) in SINGLE_FILES {
        files.push((file, reindent::pretty(library.get(name)?) + "\n"));
    }
    Ok(files)
}
