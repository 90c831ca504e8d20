//! The fixed tables that put the callers of the CloudTrail records in the places of the people
//! and roles of the account export.
//!
//! The records are of a few testers who may do everything. Here each kind of work is the work of
//! somebody of the export: a tester's calls to one service become the calls of one user. Users
//! become users, roles roles, root users root users; services stay what they are.

/// The account of the export that most entities are in; its organizational unit is the sandbox.
pub(super) const SANDBOX: &str = "200611803367";
/// The other account of the export.
pub(super) const BANK: &str = "012345678901";

/// Recorded accounts that become [`BANK`]. Every other account becomes [`SANDBOX`].
const BANK_ACCOUNTS: [&str; 6] = [
    "123456789123",
    "012345678901",
    "012345678912",
    "101010101111",
    "619193117841",
    "659775036450",
];

/// The account that stands for one of the records.
pub(super) fn account(recorded: &str) -> &'static str {
    if BANK_ACCOUNTS.contains(&recorded) { BANK } else { SANDBOX }
}

/// Callers of the records: account, name, which of their calls, and who makes them here, in which
/// account. A word that ends in `*` is a prefix. The first row that fits counts.
///
/// `bert-jan` and `benjamin` tested the attacks of the Invictus records, `pedro` ran the lab of
/// the Security Datasets, `christophe` recorded each attack of Stratus Red Team in an account of
/// its own, and the rest are from the tests of Cloud Custodian and others.
const CALLERS: &str = "
*            user/bert-jan     ssm:DescribeInstanceInformation  sandbox user/privesc-ssmSendCommand-user
*            user/bert-jan     ssm:GetParameter*                sandbox user/privesc4-CreateAccessKey-user
*            user/bert-jan     ssm:*                            sandbox user/fn4-exploitableNotAction-user
*            user/bert-jan     ec2:Delete*                      sandbox user/privesc3-CreateEC2WithExistingInstanceProfile-user
*            user/bert-jan     ec2:RunInstances                 sandbox user/privesc3-CreateEC2WithExistingInstanceProfile-user
*            user/bert-jan     ec2:DescribeNatGateways          sandbox user/fn1-privesc3-partial-user
*            user/bert-jan     ec2:*                            sandbox user/privesc-sre-user
*            user/bert-jan     iam:*                            sandbox user/privesc-sre-user
*            user/bert-jan     kms:Encrypt                      sandbox user/privesc4-CreateAccessKey-user
*            user/bert-jan     kms:*                            sandbox user/fn4-exploitableNotAction-user
*            user/bert-jan     secretsmanager:GetSecretValue    bank    user/obama
*            user/bert-jan     secretsmanager:*                 sandbox user/fp2-allow-and-deny-multiple-policies-user
*            user/bert-jan     rds:*                            bank    user/biden
*            user/bert-jan     s3:*                             sandbox user/privesc-sre-user
*            user/bert-jan     sts:*                            sandbox user/privesc14-UpdatingAssumeRolePolicy-user
*            user/bert-jan     cloudtrail:*                     sandbox user/fn4-exploitableNotAction-user
*            user/bert-jan     lambda:*                         sandbox user/privesc17-EditExistingLambdaFunctionWithRole-user
*            user/bert-jan     *                                bank    user/obama
*            user/benjamin     *                                bank    user/userwithlotsofpermissions
*            user/pedro        *                                bank    user/obama
056392974792 user/christophe   *                                sandbox user/privesc-ssmSendCommand-user
017622104382 user/christophe   *                                sandbox user/privesc-sre-user
309303190113 user/christophe   *                                sandbox user/privesc3-CreateEC2WithExistingInstanceProfile-user
294599468799 user/christophe   *                                sandbox user/privesc-ssmStartSession-user
903144391865 user/christophe   *                                bank    user/userwithlotsofpermissions
457448411975 user/christophe   *                                sandbox user/privesc-AssumeRole-start-user
321848314756 user/christophe   *                                sandbox user/privesc14-UpdatingAssumeRolePolicy-user
307578594326 user/christophe   *                                sandbox user/privesc-AssumeRole-start-user
900138736586 user/christophe   *                                sandbox user/privesc14-UpdatingAssumeRolePolicy-user
933175858973 user/christophe   *                                sandbox user/fn4-exploitableNotAction-user
165109126369 user/christophe   *                                bank    user/biden
229654561268 user/christophe   *                                sandbox user/privesc7-AttachUserPolicy-user
070411556318 user/christophe   *                                sandbox user/privesc5-CreateLoginProfile-user
609418236337 user/christophe   *                                sandbox user/privesc14-UpdatingAssumeRolePolicy-user
763751499319 user/christophe   *                                sandbox user/privesc6-UpdateLoginProfile-user
*            user/christophe   iam:CreateAccessKey              sandbox user/privesc4-CreateAccessKey-user
*            user/christophe   iam:*                            sandbox user/privesc12-PutRolePolicy-user
*            user/christophe   lambda:*                         sandbox user/privesc17-EditExistingLambdaFunctionWithRole-user
*            user/christophe   *                                sandbox user/fn4-exploitableNotAction-user
*            user/stratus-*    *                                sandbox user/privesc-AssumeRole-start-user
*            user/*            *                                bank    user/biden
*            federated-user/*  *                                sandbox user/fn4-exploitableNotAction-user
*            root              *                                bank    root
*            role/stratus-red-team-get-usr-data-role             *  sandbox role/OrganizationAccountAccessRole
*            role/stratus-red-team-ec2-get-password-data-role    *  sandbox role/privesc3-CreateEC2WithExistingInstanceProfile-role
*            role/stratus-red-team-ec2-steal-credentials-role    *  sandbox role/AWSReservedSSO_ViewOnlyAccess_0ace44bbc7092ea8
*            role/stratus-red-team-ec2-enumerate-role            *  sandbox role/privesc-sre-role
*            role/stratus-*                                      *  sandbox role/fn4-exploitableNotAction-role
*            role/test-role                                      *  sandbox role/OrganizationAccountAccessRole
*            role/account-admin                                  *  sandbox role/AWSReservedSSO_AdministratorAccess_dc6414f7f2ab04fc
*            role/AWSServiceRoleForRDS                           *  sandbox role/AWSServiceRoleForConfig
*            role/AWSServiceRole*                                *  sandbox role/AWSServiceRoleForSecurityHub
*            role/MordorNginxStack-*                             *  bank    role/OverprivilegedEC2
*            role/c7nbot                                         *  bank    role/MyRole
*            role/*                                              *  bank    role/MyOtherRole
";

/// Who makes a call here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller {
    /// The account.
    pub(super) account: &'static str,
    /// `user/NAME`, `role/NAME` or `root`.
    pub(super) name: &'static str,
}

/// Who makes a call here that a caller of the records made there.
pub(super) fn caller(account: &str, name: &str, call: &str) -> Option<Caller> {
    CALLERS.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let mut next = || words.next();
        let fits = fits(next()?, account) & fits(next()?, name) & fits(next()?, call);
        let account = if next()? == "bank" { BANK } else { SANDBOX };
        Some(Caller { account, name: next()? }).filter(|_| fits)
    })
}

fn fits(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |prefix| text.starts_with(prefix))
}

/// Roles that the records name, and the role of the export that stands for each.
const ROLES: &str = "
stratus-red-team-ec2-get-password-data-role  sandbox privesc-permissive-role-trust
stratus-red-team-get-usr-data-role           sandbox privesc-permissive-role-trust
stratus-red-team-ec2lui-role-*               sandbox privesc-permissive-role-trust
stratus-red-team-leave-org-role              sandbox OrganizationAccountAccessRole
stratus-red-team-ec2-steal-credentials-role  sandbox privesc-high-priv-service-role
stratus-red-team-ec2-enumerate-role          sandbox privesc-high-priv-service-role
stratus-red-team-backdoor-f-lambda           sandbox privesc-high-priv-service-role
MordorNginxStack-*                           bank    OverprivilegedEC2
MordorLogCollectorStack-*                    bank    OverprivilegedEC2
aws-service-role/rds.amazonaws.com/*         sandbox aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig
aws-service-role/inspector2.amazonaws.com/*  sandbox aws-service-role/securityhub.amazonaws.com/AWSServiceRoleForSecurityHub
someRole                                     sandbox aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig
";

/// The account and the name, with its path, of the role that stands for a role of the records; a
/// role that is not in the table keeps its name and is not in the export.
pub(super) fn role(recorded: &str) -> Option<(&'static str, &'static str)> {
    ROLES.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let fits = fits(words.next()?, recorded);
        let account = if words.next()? == "bank" { BANK } else { SANDBOX };
        Some((account, words.next()?)).filter(|_| fits)
    })
}

/// What a session was given when it began.
#[derive(Debug)]
pub(super) enum SessionPolicy {
    /// A policy of the example world, passed inline.
    Inline(&'static str),
    /// An AWS-managed policy.
    Managed(&'static str),
}

/// Session policies by the role that the records name.
const SESSION_POLICIES: [(&str, SessionPolicy); 3] = [
    ("role/stratus-red-team-get-usr-data-role", SessionPolicy::Inline("session-s3-read")),
    ("role/test-role", SessionPolicy::Managed("arn:aws:iam::aws:policy/AmazonBedrockReadOnly")),
    ("role/account-admin", SessionPolicy::Inline("session-s3-read")),
];

/// The session policy of a session of a recorded role.
pub(super) fn session_policy(recorded_role: &str) -> Option<&'static SessionPolicy> {
    SESSION_POLICIES.iter().find(|(role, _)| *role == recorded_role).map(|(_, policy)| policy)
}

#[cfg(test)]
mod tests {
    use super::{BANK, CALLERS, Caller, ROLES, SANDBOX, caller, role};

    #[test]
    fn rows_are_whole() {
        for row in CALLERS.lines().skip(1) {
            assert_eq!(row.split_whitespace().count(), 5, "{row}");
        }
        for row in ROLES.lines().skip(1) {
            assert_eq!(row.split_whitespace().count(), 3, "{row}");
        }
    }

    #[test]
    fn the_first_row_that_fits_counts() {
        let check = |account, name, call, expected| {
            assert_eq!(caller(account, name, call), expected, "{account} {name} {call}");
        };
        let sandbox = |name| Some(Caller { account: SANDBOX, name });
        check("1", "user/bert-jan", "kms:Encrypt", sandbox("user/privesc4-CreateAccessKey-user"));
        check("1", "user/bert-jan", "kms:Decrypt", sandbox("user/fn4-exploitableNotAction-user"));
        check("1", "user/x", "s3:GetObject", Some(Caller { account: BANK, name: "user/biden" }));
        check("1", "oai", "s3:GetObject", None);
        assert_eq!(role("MordorNginxStack-1"), Some((BANK, "OverprivilegedEC2")));
        assert_eq!(role("unheard-of"), None);
    }
}
