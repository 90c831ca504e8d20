//! What accounts that do not manage an organization may do in it: E-99.

use assize_model::{AccountId, ArnParts};

use super::Resolver;
use super::action::{ActionRule, OrganizationCall};
use super::frame::Parties;
use super::resource::ResolvedResource;

/// What a call needs to be let.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// What the owner of the resource says, as anywhere.
    Usual,
    /// The caller's own policies, whosever the resource is.
    Own,
    /// The delegation policy of the organization, whatever resource of it is named, or none.
    Delegated,
}

impl Resolver<'_> {
    /// The right that a check asks for.
    pub(super) fn organization_right(
        &self,
        parties: &Parties,
        resource: &ResolvedResource,
    ) -> Right {
        let ActionRule::Organizations(call) = self.actions[parties.action as usize].rule else {
            return Right::Usual;
        };
        let Some(own) = self.principals[parties.principal as usize].account else {
            return Right::Usual;
        };
        let is_own = match call {
            OrganizationCall::OfInvited => true,
            OrganizationCall::EffectivePolicy => {
                resource.text.rsplit('/').next() == Some(own.as_str())
            }
            OrganizationCall::OfAccount => {
                return self.right_to_accounts(own, parties.account);
            }
            OrganizationCall::OfAny | OrganizationCall::OfManagement => false,
        };
        let names_none = names_none(&resource.text);
        match self.management_of_member(own) {
            _ if is_own => Right::Own,
            Some(management) if !names_none && parties.account != Some(management) => Right::Usual,
            Some(_) if names_none && call == OrganizationCall::OfAny => Right::Usual,
            Some(_) if self.reads_organization(own, parties.action) => Right::Own,
            Some(_) => Right::Delegated,
            None => Right::Usual,
        }
    }

    /// The organization whose delegation policy is asked about a call that names no resource of it.
    pub(super) fn organization_asked(
        &self,
        principal: u32,
        action: u32,
        text: &str,
    ) -> Option<String> {
        let ActionRule::Organizations(call) = self.actions[action as usize].rule else {
            return None;
        };
        let is_of_organization =
            matches!(call, OrganizationCall::OfManagement | OrganizationCall::EffectivePolicy);
        let principal = &self.principals[principal as usize];
        let own = principal.account.filter(|_| names_none(text) && is_of_organization)?;
        let organization = self.engine.snapshot.organization_of(own)?;
        let (management, id) = (organization.management_account, &organization.id);
        let partition = principal.partition.as_deref()?;
        Some(format!("arn:{partition}:organizations::{management}:organization/{id}"))
    }

    /// Who administers the accounts of an organization does so in all of them.
    fn right_to_accounts(&self, own: AccountId, owner: Option<AccountId>) -> Right {
        let administers = self.management_of_member(own).is_some_and(|management| {
            let organization = self.engine.snapshot.organization_of(own);
            let accounts = organization
                .and_then(|found| found.delegated_administrators.get("account.amazonaws.com"));
            owner == Some(management) && accounts.is_some_and(|accounts| accounts.contains(&own))
        });
        if administers { Right::Own } else { Right::Usual }
    }

    /// The management account of the organization that an account is a mere member of.
    fn management_of_member(&self, account: AccountId) -> Option<AccountId> {
        let organization = self.engine.snapshot.organization_of(account)?;
        Some(organization.management_account).filter(|management| *management != account)
    }

    /// Whether an action reads, and the account administers something in its organization.
    fn reads_organization(&self, account: AccountId, action: u32) -> bool {
        let organization = self.engine.snapshot.organization_of(account);
        let administrators = organization.map(|found| found.delegated_administrators.values());
        self.actions[action as usize].reads
            && administrators.into_iter().flatten().flatten().any(|own| *own == account)
    }
}

/// Whether a resource is none of an account: also a policy of AWS, which every organization has.
fn names_none(text: &str) -> bool {
    text == "*" || is_policy_of_aws(text)
}

/// Whether an ARN is that of a policy of AWS for organizations.
pub(super) fn is_policy_of_aws(text: &str) -> bool {
    ArnParts::split(text).is_some_and(|arn| {
        arn.service == "organizations"
            && arn.account == "aws"
            && arn.resource.starts_with("policy/")
    })
}
