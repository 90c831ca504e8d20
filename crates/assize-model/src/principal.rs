//! Who is asking.

use std::borrow::Cow;
use std::fmt;

use crate::{AccountId, ArnParts, ContextInput, Error, ErrorKind, PolicyText, Tags};

/// The kinds of request principal (E 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// An IAM user, with long-term keys, in the console, or with a GetSessionToken session.
    User,
    /// A session of a role.
    RoleSession,
    /// A GetFederationToken session issued by an IAM user.
    FederatedUser,
    /// A GetFederationToken session issued by the root user.
    FederatedRoot,
    /// The root user of an account.
    Root,
    /// An AssumeRoot session.
    AssumedRoot,
    /// An AWS service acting as itself.
    Service,
    /// The caller inside AssumeRoleWithSAML or AssumeRoleWithWebIdentity.
    Federated,
    /// A CloudFront origin access identity.
    Oai,
    /// Nobody.
    Anonymous,
}

impl PrincipalKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::User,
        Self::RoleSession,
        Self::FederatedUser,
        Self::FederatedRoot,
        Self::Root,
        Self::AssumedRoot,
        Self::Service,
        Self::Federated,
        Self::Oai,
        Self::Anonymous,
    ];

    /// The word of the wire format (`principal.type`, F-16).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::RoleSession => "roleSession",
            Self::FederatedUser => "federatedUser",
            Self::FederatedRoot => "federatedRoot",
            Self::Root => "root",
            Self::AssumedRoot => "assumedRoot",
            Self::Service => "service",
            Self::Federated => "federated",
            Self::Oai => "oai",
            Self::Anonymous => "anonymous",
        }
    }

    /// The kind of a word of the wire format.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether principals of this kind belong to an account.
    pub fn has_account(self) -> bool {
        !matches!(self, Self::Service | Self::Federated | Self::Oai | Self::Anonymous)
    }
}

impl fmt::Display for PrincipalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The principal of a request as it is given (F-11).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal<'a> {
    /// A string by E-10.
    Text(Cow<'a, str>),
    /// An object by F-16.
    Stated(Box<StatedPrincipal<'a>>),
}

impl Default for Principal<'_> {
    fn default() -> Self {
        Self::Text(Cow::Borrowed("anonymous"))
    }
}

/// The object form of a principal (F-11, F-16). Which fields each kind takes is checked when the
/// request is resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StatedPrincipal<'a> {
    /// `type`.
    pub kind: PrincipalKind,
    /// `arn`: of a user, a role session, or an origin access identity.
    pub arn: Option<Cow<'a, str>>,
    /// `role`: the ARN of the role of a session.
    pub role: Option<Cow<'a, str>>,
    /// `user`: the ARN of the user who issued a federated session.
    pub user: Option<Cow<'a, str>>,
    /// `account`.
    pub account: Option<AccountId>,
    /// `service`.
    pub service: Option<Cow<'a, str>>,
    /// `serviceNames`: all names of the calling service.
    pub service_names: Option<Vec<Cow<'a, str>>>,
    /// `provider`: an identity provider.
    pub provider: Option<Cow<'a, str>>,
    /// `uniqueId`: of the entity, when the snapshot does not know it.
    pub unique_id: Option<Cow<'a, str>>,
    /// `session`.
    pub session: Option<Session<'a>>,
    /// `inline`: policies given on the spot.
    pub inline: Option<InlinePrincipal<'a>>,
}

impl StatedPrincipal<'_> {
    /// A principal of a kind with nothing else stated.
    pub fn new(kind: PrincipalKind) -> Self {
        Self {
            kind,
            arn: None,
            role: None,
            user: None,
            account: None,
            service: None,
            service_names: None,
            provider: None,
            unique_id: None,
            session: None,
            inline: None,
        }
    }
}

/// What STS sealed in the token of a session (F-11). Absent fields are unknown in partial
/// context and none in complete context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Session<'a> {
    /// `name`.
    pub name: Option<Cow<'a, str>>,
    /// `policy`: the inline session policy.
    pub policy: Option<PolicyText<'a>>,
    /// `policyArns`: the managed session policies.
    pub policy_arns: Option<Vec<Cow<'a, str>>>,
    /// `tags` passed when the session was made.
    pub tags: Option<Tags<'a>>,
    /// `transitiveTagKeys`.
    pub transitive_tag_keys: Option<Vec<Cow<'a, str>>>,
    /// `inheritedTags`: transitive tags of the calling session.
    pub inherited_tags: Option<Tags<'a>>,
    /// `sourceIdentity`.
    pub source_identity: Option<Cow<'a, str>>,
    /// `issuedAt`, seconds since the epoch.
    pub issued_at: Option<i64>,
    /// `expiresAt`, seconds since the epoch.
    pub expires_at: Option<i64>,
    /// `mfa`.
    pub mfa: Option<MfaState>,
    /// `temporary`; the default is derived by F-16.
    pub temporary: Option<bool>,
    /// `console`: a console sign-in.
    pub console: Option<bool>,
    /// `chained`: the caller of AssumeRole was itself a role session.
    pub chained: Option<bool>,
    /// `federatedProvider`.
    pub federated_provider: Option<Cow<'a, str>>,
    /// `claims`: keys of the identity provider.
    pub claims: Option<Vec<(Cow<'a, str>, ContextInput<'a>)>>,
    /// `delivery`: how the credentials reached the workload.
    pub delivery: Option<Delivery<'a>>,
    /// `taskPolicyArn` of AssumeRoot.
    pub task_policy_arn: Option<Cow<'a, str>>,
}

/// The MFA state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MfaState {
    /// Whether the caller presented a code.
    pub present: bool,
    /// When, in seconds since the epoch.
    pub at: Option<i64>,
}

/// How credentials reached a workload (`session.delivery`, F-11): the keys of E-17 it sets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery<'a> {
    /// An EC2 instance profile.
    Ec2 {
        /// `ec2:SourceInstanceArn`.
        instance_arn: Option<Cow<'a, str>>,
        /// `ec2:RoleDelivery`.
        role_delivery: Option<Cow<'a, str>>,
        /// `aws:Ec2InstanceSourceVpc`.
        vpc: Option<Cow<'a, str>>,
        /// `aws:Ec2InstanceSourcePrivateIPv4`.
        private_ip: Option<Cow<'a, str>>,
    },
    /// A Lambda function.
    Lambda {
        /// `lambda:SourceFunctionArn`.
        function_arn: Option<Cow<'a, str>>,
    },
    /// A Glue job.
    Glue {
        /// `glue:RoleAssumedBy`.
        role_assumed_by: Option<Cow<'a, str>>,
        /// `glue:CredentialIssuingService`.
        credential_issuing_service: Option<Cow<'a, str>>,
    },
    /// A managed instance of Systems Manager.
    Ssm {
        /// `ssm:SourceInstanceArn`.
        instance_arn: Option<Cow<'a, str>>,
    },
}

/// Policies given on the spot in place of those of the store (F-16, `inline`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct InlinePrincipal<'a> {
    /// Identity policies.
    pub policies: Vec<PolicyText<'a>>,
    /// The boundary.
    pub boundary: Option<PolicyText<'a>>,
    /// The tags.
    pub tags: Tags<'a>,
}

/// What the text form of a principal names (E-10, L-310).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrincipalForm<'a> {
    /// `arn:P:iam::A:user/path/name`; the path begins and ends with a slash.
    User {
        /// The partition.
        partition: &'a str,
        /// The account.
        account: AccountId,
        /// Path and name: the resource after `user`, with its leading slash.
        path_and_name: &'a str,
    },
    /// `arn:P:iam::A:role/path/name`.
    Role {
        /// The partition.
        partition: &'a str,
        /// The account.
        account: AccountId,
        /// Path and name: the resource after `role`, with its leading slash.
        path_and_name: &'a str,
    },
    /// `arn:P:sts::A:assumed-role/role-name/session-name`.
    AssumedRole {
        /// The partition.
        partition: &'a str,
        /// The account.
        account: AccountId,
        /// The role's name; an assumed-role ARN has no path (E-11).
        role_name: &'a str,
        /// The session's name.
        session_name: &'a str,
    },
    /// `arn:P:sts::A:federated-user/name`.
    FederatedUser {
        /// The partition.
        partition: &'a str,
        /// The account.
        account: AccountId,
        /// The session's name.
        name: &'a str,
    },
    /// `arn:P:iam::A:root`.
    Root {
        /// The partition.
        partition: &'a str,
        /// The account.
        account: AccountId,
    },
    /// `NAME.amazonaws.com` or `NAME.amazonaws.com.cn`.
    Service(&'a str),
    /// `arn:P:iam::cloudfront:user/…`.
    Oai(&'a str),
    /// `anonymous`.
    Anonymous,
}

impl<'a> PrincipalForm<'a> {
    /// Reads the text form of a principal (E-10). An account id alone is refused as ambiguous.
    ///
    /// # Errors
    /// [`ErrorKind::Principal`].
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        if text == "anonymous" {
            return Ok(Self::Anonymous);
        }
        let Some(arn) = ArnParts::split(text) else {
            return Self::parse_service(text);
        };
        Self::parse_arn(text, arn).ok_or_else(|| Error::new(ErrorKind::Principal, text))
    }

    /// Whether this is a session of a role: of its partition and account, and with its name, which
    /// is spelled alike (E-11).
    pub fn is_session_of(&self, role: &PrincipalForm<'_>) -> bool {
        let Self::AssumedRole { partition, account, role_name, .. } = self else { return false };
        let PrincipalForm::Role { partition: of, account: by, path_and_name } = role else {
            return false;
        };
        partition == of && account == by && path_and_name.rsplit('/').next() == Some(role_name)
    }

    fn parse_service(text: &'a str) -> Result<Self, Error> {
        let name =
            text.strip_suffix(".amazonaws.com").or_else(|| text.strip_suffix(".amazonaws.com.cn"));
        match name {
            Some(name) if !name.is_empty() && !name.contains([':', '/', ' ', '*']) => {
                Ok(Self::Service(text))
            }
            _ => Err(Error::new(ErrorKind::Principal, text)),
        }
    }

    fn parse_arn(text: &'a str, arn: ArnParts<'a>) -> Option<Self> {
        let partition = Some(arn.partition).filter(|p| !p.is_empty())?;
        if !arn.region.is_empty() {
            return None;
        }
        if arn.service == "iam" && arn.account == "cloudfront" {
            return arn.resource.starts_with("user/").then_some(Self::Oai(text));
        }
        let account = arn.account_id()?;
        let (head, rest) =
            arn.resource.split_at(arn.resource.find('/').unwrap_or(arn.resource.len()));
        let named = |rest: &'a str| (rest.len() > 1 && !rest.ends_with('/')).then_some(rest);
        match (arn.service, head) {
            ("iam", "root") if rest.is_empty() => Some(Self::Root { partition, account }),
            ("iam", "user") => Some(Self::User { partition, account, path_and_name: named(rest)? }),
            ("iam", "role") => Some(Self::Role { partition, account, path_and_name: named(rest)? }),
            ("sts", "assumed-role") => {
                let (role_name, session_name) = named(rest)?[1..].split_once('/')?;
                let plain = !role_name.is_empty() && !session_name.contains('/');
                plain.then_some(Self::AssumedRole { partition, account, role_name, session_name })
            }
            ("sts", "federated-user") => {
                let name = &named(rest)?[1..];
                Some(Self::FederatedUser { partition, account, name })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let form = PrincipalForm::parse(text).map_or_else(
            |_| "error".to_owned(),
            |form| match form {
                PrincipalForm::User { path_and_name, .. } => format!("user {path_and_name}"),
                PrincipalForm::Role { path_and_name, .. } => format!("role {path_and_name}"),
                PrincipalForm::AssumedRole { role_name, session_name, .. } => {
                    format!("session {role_name} {session_name}")
                }
                PrincipalForm::FederatedUser { name, .. } => format!("federated {name}"),
                PrincipalForm::Root { account, .. } => format!("root {account}"),
                PrincipalForm::Service(name) => format!("service {name}"),
                PrincipalForm::Oai(_) => "oai".into(),
                PrincipalForm::Anonymous => "anonymous".into(),
            },
        );
        assert_eq!(form, expected, "{text}");
    }

    /// E-10.
    #[test]
    fn texts_name_principals() {
        check("arn:aws:iam::111111111111:user/team/ana", "user /team/ana");
        check("arn:aws:iam::111111111111:role/R", "role /R");
        check("arn:aws:sts::111111111111:assumed-role/R/s", "session R s");
        check("arn:aws:sts::111111111111:federated-user/F", "federated F");
        check("arn:aws:iam::111111111111:root", "root 111111111111");
        check("lambda.amazonaws.com", "service lambda.amazonaws.com");
        check("ec2.amazonaws.com.cn", "service ec2.amazonaws.com.cn");
        check("anonymous", "anonymous");
        check("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1", "oai");
    }

    /// E-11: the ARN of a session has no path; all else is that of its role.
    #[test]
    fn sessions_are_of_one_role() {
        let is_session_of = |session, role| {
            let parse = |text| PrincipalForm::parse(text).expect("the text names a principal");
            parse(session).is_session_of(&parse(role))
        };
        let session = "arn:aws:sts::111111111111:assumed-role/R/s";
        for role in ["arn:aws:iam::111111111111:role/R", "arn:aws:iam::111111111111:role/team/R"] {
            assert!(is_session_of(session, role), "{role}");
            assert!(!is_session_of(role, role));
        }
        for other in [
            "arn:aws:iam::111111111111:role/r",
            "arn:aws:iam::111111111111:role/R/team",
            "arn:aws:iam::222222222222:role/R",
            "arn:aws-cn:iam::111111111111:role/R",
            "arn:aws:iam::111111111111:user/R",
            session,
        ] {
            assert!(!is_session_of(session, other), "{other}");
        }
    }

    /// E-10: an account id alone is ambiguous; other texts name nobody.
    #[test]
    fn other_texts_are_refused() {
        for text in [
            "111111111111",
            "arn:aws:iam::111111111111:group/g",
            "arn:aws:iam::111111111111:user/",
            "arn:aws:iam:us-east-1:111111111111:user/u",
            "arn:aws:sts::111111111111:assumed-role/R",
            "arn:aws:sts::111111111111:assumed-role/R/s/t",
            "arn:aws:iam::1:user/u",
            ".amazonaws.com",
            "example.com",
            "",
        ] {
            check(text, "error");
        }
    }
}
