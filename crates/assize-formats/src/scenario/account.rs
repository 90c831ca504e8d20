//! Accounts and their users, groups, roles and policies.

use std::sync::Arc;

use assize_model::{AccountId, PublicAccessBlock};
use assize_store::{
    Account, DEFAULT_MAX_SESSION_SECONDS, DocumentText, ExternalAccount, Group, InlinePolicy,
    InstanceProfile, ManagedPolicy, OidcProvider, PolicyVersion, Role, SamlProvider, StoreChange,
    Tag, User, fold_name, unique_id,
};
use hashbrown::HashMap;

use super::Reader;
use super::field::Fields;
use super::policy::ref_name;
use crate::ErrorKind;
use crate::file::File;
use crate::json::{Member, Node, Value, shorten};

type Draft = Account<DocumentText>;

const ACCOUNT_FIELDS: [&str; 13] = [
    "name",
    "alias",
    "canonicalId",
    "external",
    "users",
    "groups",
    "roles",
    "policies",
    "samlProviders",
    "oidcProviders",
    "instanceProfiles",
    "passwordPolicy",
    "publicAccessBlock",
];

const IDENTITY_FIELDS: [&str; 9] = [
    "path",
    "uniqueId",
    "tags",
    "inline",
    "attached",
    "boundary",
    "groups",
    "trust",
    "maxSessionDuration",
];

/// What users, groups and roles have in common.
struct Identity {
    name: Box<str>,
    path: Box<str>,
    arn: Arc<str>,
    unique_id: Box<str>,
    tags: Vec<Tag>,
    inline: Vec<InlinePolicy<DocumentText>>,
    attached: Vec<Arc<str>>,
    boundary: Option<Arc<str>>,
}

/// The kinds of identity: the word of their ARNs and the prefix of their unique ids (I-16).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Group => "AGPA",
            Self::Role => "AROA",
        }
    }

    /// The fields that only other kinds take.
    fn foreign_fields(self) -> &'static [&'static str] {
        match self {
            Self::User => &["trust", "maxSessionDuration"],
            Self::Group => &["tags", "boundary", "groups", "trust", "maxSessionDuration"],
            Self::Role => &["groups"],
        }
    }
}

impl Reader<'_> {
    /// `accounts`, laid over what was imported: an entity of the same name is replaced as a whole
    /// (F-42).
    pub(super) fn accounts(&mut self, file: &File, node: Option<&Node<'_>>) {
        let members = node.and_then(|node| self.members(file, node)).unwrap_or_default();
        for member in members {
            match member.key.parse::<AccountId>() {
                Ok(id) => self.account(file, id, member),
                Err(error) => {
                    let error =
                        file.error(ErrorKind::InvalidField, member.key_span, error.to_string());
                    self.errors.push(error);
                }
            }
        }
    }

    fn account(&mut self, file: &File, id: AccountId, member: &Member<'_>) {
        let Some(fields) = self.fields(file, &member.value, &ACCOUNT_FIELDS) else { return };
        let imported = self.editor.account_with_texts(id);
        let mut account = imported.unwrap_or_else(|| Account::new(id));
        account.name = self.text_of(file, &fields, "name").or(account.name);
        account.alias = self.text_of(file, &fields, "alias").or(account.alias);
        account.canonical_id = self.text_of(file, &fields, "canonicalId").or(account.canonical_id);
        let sides =
            [("none", ExternalAccount::None), ("trustIdentity", ExternalAccount::TrustIdentity)];
        let external = fields.get("external").and_then(|node| self.word(file, node, &sides));
        account.external = external.or(account.external);
        if let Some(node) = fields.get("publicAccessBlock") {
            account.public_access_block = self.public_access_block(file, node);
        }
        self.account_policies(file, &mut account, &fields);
        self.groups(file, &mut account, &fields);
        self.users(file, &mut account, &fields);
        self.roles(file, &mut account, &fields);
        self.providers(file, &mut account, &fields);
        let key = Node { span: member.key_span, value: Value::Null };
        self.apply(file, &key, StoreChange::PutAccount(Box::new(account)));
    }

    pub(super) fn public_access_block(
        &mut self,
        file: &File,
        node: &Node<'_>,
    ) -> PublicAccessBlock {
        self.through_text(file, node, crate::request::resource::public_access_block)
            .unwrap_or_default()
    }

    /// The named objects of one kind; two names that differ in case alone are one (I-12).
    fn named<'n>(
        &mut self,
        file: &File,
        fields: &Fields<'n>,
        list: &str,
    ) -> Vec<(Box<str>, &'n Member<'n>)> {
        let node = fields.get(list);
        let members = node.and_then(|node| self.members(file, node)).unwrap_or_default();
        let mut first: HashMap<Box<str>, &Member<'_>> = HashMap::with_capacity(members.len());
        let mut named = Vec::with_capacity(members.len());
        for member in members {
            let folded: Box<str> = fold_name(&member.key).into();
            let other = *first.entry(folded.clone()).or_insert(member);
            if !std::ptr::eq(other, member) {
                let message = format!(
                    "`{}` and `{}` are one name: case does not count",
                    shorten(&other.key),
                    shorten(&member.key)
                );
                self.errors.push(file.error(ErrorKind::Repeated, member.key_span, message));
            }
            named.push((folded, member));
        }
        named
    }

    fn account_policies(&mut self, file: &File, account: &mut Draft, fields: &Fields<'_>) {
        for (folded, member) in self.named(file, fields, "policies") {
            let Some(document) = self.document(file, &member.value) else { continue };
            let policy = managed_policy(account.id, &member.key, document);
            account.policies.insert(folded, Arc::new(policy));
        }
    }

    fn users(&mut self, file: &File, account: &mut Draft, fields: &Fields<'_>) {
        for (folded, member) in self.named(file, fields, "users") {
            let Some((identity, fields)) = self.identity(file, account, member, Kind::User) else {
                continue;
            };
            let groups = fields.get("groups").map(|node| self.memberships(file, account, node));
            let Identity { name, path, arn, unique_id, tags, inline, attached, boundary } =
                identity;
            let groups = groups.unwrap_or_default();
            let created = None;
            let user = User {
                name,
                path,
                arn,
                unique_id,
                created,
                inline,
                attached,
                groups,
                boundary,
                tags,
            };
            account.users.insert(folded, Arc::new(user));
        }
    }

    fn memberships(&mut self, file: &File, account: &Draft, node: &Node<'_>) -> Vec<Box<str>> {
        let mut groups = Vec::new();
        for item in self.items(file, node) {
            let Some(name) = self.string(file, item) else { continue };
            let folded = fold_name(name);
            if account.groups.contains_key(&*folded) {
                groups.push(folded.into());
            } else {
                let message = format!("account {} has no group `{}`", account.id, shorten(name));
                self.error(file, ErrorKind::Reference, item, message);
            }
        }
        groups
    }

    fn groups(&mut self, file: &File, account: &mut Draft, fields: &Fields<'_>) {
        for (folded, member) in self.named(file, fields, "groups") {
            let Some((identity, _)) = self.identity(file, account, member, Kind::Group) else {
                continue;
            };
            let Identity { name, path, arn, unique_id, inline, attached, .. } = identity;
            let group = Group { name, path, arn, unique_id, created: None, inline, attached };
            account.groups.insert(folded, Arc::new(group));
        }
    }

    fn roles(&mut self, file: &File, account: &mut Draft, fields: &Fields<'_>) {
        for (folded, member) in self.named(file, fields, "roles") {
            let Some((identity, fields)) = self.identity(file, account, member, Kind::Role) else {
                continue;
            };
            let trust = fields.get("trust").and_then(|node| self.document(file, node));
            let seconds = fields.get("maxSessionDuration");
            let seconds = seconds.and_then(|node| self.session_seconds(file, node));
            let Identity { name, path, arn, unique_id, tags, inline, attached, boundary } =
                identity;
            let role = Role {
                name,
                path,
                arn,
                unique_id,
                created: None,
                trust,
                description: None,
                max_session_seconds: seconds.unwrap_or(DEFAULT_MAX_SESSION_SECONDS),
                inline,
                attached,
                boundary,
                tags,
            };
            account.roles.insert(folded, Arc::new(role));
        }
    }

    fn session_seconds(&mut self, file: &File, node: &Node<'_>) -> Option<u32> {
        let seconds: Option<u32> = node.as_number().and_then(|number| number.parse().ok());
        match seconds.filter(|seconds| (3_600..=43_200).contains(seconds)) {
            Some(seconds) => Some(seconds),
            None => self.expected(file, node, "3600 to 43200 seconds"),
        }
    }

    fn identity<'n>(
        &mut self,
        file: &File,
        account: &mut Draft,
        member: &'n Member<'n>,
        kind: Kind,
    ) -> Option<(Identity, Fields<'n>)> {
        let known: Vec<&str> = IDENTITY_FIELDS
            .into_iter()
            .filter(|field| !kind.foreign_fields().contains(field))
            .collect();
        let fields = self.fields(file, &member.value, &known)?;
        let name: Box<str> = (&*member.key).into();
        let path = self.text_of(file, &fields, "path").unwrap_or_else(|| "/".into());
        let arn = format!("arn:aws:iam::{}:{}{path}{name}", account.id, kind.word());
        let stated_id = self.text_of(file, &fields, "uniqueId");
        let tags = fields.get("tags").map(|node| self.tags(file, node)).unwrap_or_default();
        let inline = fields.get("inline").map(|node| self.inline(file, node)).unwrap_or_default();
        let attached = fields.get("attached").map(|node| self.items(file, node));
        let names = Names { name: &name, kind };
        let attached = attached.unwrap_or_default().iter().enumerate();
        let attached = attached
            .filter_map(|(n, node)| self.managed(file, account, node, names, Some(n)))
            .collect();
        let boundary =
            fields.get("boundary").and_then(|node| self.managed(file, account, node, names, None));
        let unique_id = stated_id.unwrap_or_else(|| unique_id(kind.prefix(), &arn));
        let arn = arn.into();
        let identity = Identity { name, path, arn, unique_id, tags, inline, attached, boundary };
        Some((identity, fields))
    }

    fn inline(&mut self, file: &File, node: &Node<'_>) -> Vec<InlinePolicy<DocumentText>> {
        let members = self.members(file, node).unwrap_or_default();
        let mut policies = Vec::new();
        for member in members {
            if let Some(document) = self.document(file, &member.value) {
                policies.push(InlinePolicy { name: (&*member.key).into(), document });
            }
        }
        policies
    }

    /// The ARN of a managed policy: given as such, or that of a customer-managed policy which a
    /// document or reference becomes (formats, section 6.1).
    fn managed(
        &mut self,
        file: &File,
        account: &mut Draft,
        node: &Node<'_>,
        names: Names<'_>,
        place: Option<usize>,
    ) -> Option<Arc<str>> {
        if let Some(arn) = node.as_str() {
            if arn.starts_with("arn:") {
                let arn: Arc<str> = arn.into();
                let place = || (Arc::clone(&file.name), file.source_span(node.span));
                self.references.entry(Arc::clone(&arn)).or_insert_with(place);
                return Some(arn);
            }
            let message = format!(
                "`{}` is not the ARN of a managed policy; a policy of this file is \
                 `{{ref: NAME}}`",
                shorten(arn)
            );
            self.error(file, ErrorKind::Reference, node, message);
            return None;
        }
        let document = self.document(file, node)?;
        let candidates = match ref_name(node) {
            Some(name) => vec![name.to_owned()],
            None => names.candidates(place),
        };
        for name in &candidates {
            let folded: Box<str> = fold_name(name).into();
            match account.policies.get(&folded) {
                None => {
                    let policy = managed_policy(account.id, name, document);
                    let arn = Arc::clone(&policy.arn);
                    account.policies.insert(folded, Arc::new(policy));
                    return Some(arn);
                }
                Some(policy) => {
                    let same = policy.default_document().is_some_and(|d| d.text == document.text);
                    if same && *policy.name == **name {
                        return Some(Arc::clone(&policy.arn));
                    }
                }
            }
        }
        let message = format!(
            "account {} has another policy named `{}` already",
            account.id,
            shorten(candidates.last().map_or("", |name| name))
        );
        self.error(file, ErrorKind::Repeated, node, message);
        None
    }

    fn providers(&mut self, file: &File, account: &mut Draft, fields: &Fields<'_>) {
        for (folded, member) in self.named(file, fields, "instanceProfiles") {
            let Some(fields) = self.fields(file, &member.value, &["path", "uniqueId", "role"])
            else {
                continue;
            };
            let path = self.text_of(file, &fields, "path").unwrap_or_else(|| "/".into());
            let arn = format!("arn:aws:iam::{}:instance-profile{path}{}", account.id, member.key);
            let stated_id = self.text_of(file, &fields, "uniqueId");
            let role = self.text_of(file, &fields, "role").map(|role| fold_name(&role).into());
            let profile = InstanceProfile {
                name: (&*member.key).into(),
                path,
                unique_id: stated_id.unwrap_or_else(|| unique_id("AIPA", &arn)),
                arn: arn.into(),
                role,
            };
            account.instance_profiles.insert(folded, Arc::new(profile));
        }
        let saml = fields.get("samlProviders").and_then(|node| self.members(file, node));
        for member in saml.unwrap_or_default() {
            let Some(fields) = self.fields(file, &member.value, &["metadata"]) else { continue };
            let metadata = self.text_of(file, &fields, "metadata");
            let arn = format!("arn:aws:iam::{}:saml-provider/{}", account.id, member.key).into();
            let provider = SamlProvider { arn, metadata };
            account.saml_providers.insert((&*member.key).into(), Arc::new(provider));
        }
        let oidc = fields.get("oidcProviders").and_then(|node| self.members(file, node));
        for member in oidc.unwrap_or_default() {
            let known = ["clientIds", "thumbprints"];
            let Some(fields) = self.fields(file, &member.value, &known) else { continue };
            let client_ids = self.strings_of(file, &fields, "clientIds");
            let thumbprints = self.strings_of(file, &fields, "thumbprints");
            let arn = format!("arn:aws:iam::{}:oidc-provider/{}", account.id, member.key).into();
            let provider = OidcProvider { arn, client_ids, thumbprints };
            account.oidc_providers.insert((&*member.key).into(), Arc::new(provider));
        }
    }
}

/// What a document without a name is called where a managed policy is meant.
#[derive(Clone, Copy)]
struct Names<'n> {
    name: &'n str,
    kind: Kind,
}

impl Names<'_> {
    /// `NAME-n` by the place in the list; the boundary is `NAME-boundary`. An entity of another
    /// kind may have the same name, so the second choice tells the kind.
    fn candidates(self, place: Option<usize>) -> Vec<String> {
        let Self { name, kind } = self;
        let place = place.map_or_else(|| "boundary".to_owned(), |n| n.to_string());
        vec![format!("{name}-{place}"), format!("{name}-{}-{place}", kind.word())]
    }
}

/// A customer-managed policy with one version, in path `/`.
pub(crate) fn managed_policy(
    account: AccountId,
    name: &str,
    document: DocumentText,
) -> ManagedPolicy<DocumentText> {
    let arn = format!("arn:aws:iam::{account}:policy/{name}");
    ManagedPolicy {
        unique_id: Some(unique_id("ANPA", &arn)),
        arn: arn.into(),
        name: name.into(),
        path: "/".into(),
        versions: vec![PolicyVersion { id: "v1".into(), document, created: None }],
        default_version: 0,
        created: None,
        description: None,
        tags: Vec::new(),
    }
}
