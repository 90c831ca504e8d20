//! Policies as an API of our own writes and shows them.

use assize_model::{AccountId, ArnParts, PolicyType};
use assize_policy::{Binding, Finding, LoadMode, LoadOptions, bind_principals, show_principals};
use assize_store::{DocumentText, StoreChange, StoreSnapshot};

/// L-321: a change as it is stored when it is written and not imported. Trust policies and
/// resource-based ones are checked as an author's, and the users and roles they name are bound to
/// their unique ids, so that whoever comes to bear such a name later is not meant. Policies of the
/// services in `unbound` stay text, as imported ones are (L-325); trust policies never do. A whole
/// account (`StoreChange::PutAccount`) is put as it is, since that is how imports come: an API that
/// writes roles puts each of them.
///
/// # Errors
/// What is wrong with the first policy that may not be written; a principal that does not exist is
/// `X_INVALID_PRINCIPAL` (I-35).
///
/// # Examples
/// ```
/// use assize::store::{DocumentText, Resource, ResourceAttributes, StoreChange, StoreSnapshot};
///
/// let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
///     "Principal": {"AWS": "arn:aws:iam::111122223333:user/ana"},
///     "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}}"#;
/// let bucket = Resource {
///     arn: "arn:aws:s3:::b".into(),
///     account: "111122223333".parse()?,
///     tags: None,
///     policies: vec![DocumentText::new(policy)],
///     attributes: ResourceAttributes::default(),
/// };
/// // Nobody's account: the entry stays as it is.
/// let change = StoreChange::PutResource(bucket);
/// let bound = assize::bind(&StoreSnapshot::empty(), change.clone(), &[]);
/// assert_eq!(bound, Ok(change));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bind(
    snapshot: &StoreSnapshot,
    mut change: StoreChange,
    unbound: &[&str],
) -> Result<StoreChange, Vec<Finding>> {
    match &mut change {
        StoreChange::PutRole(_, role) => {
            let options = LoadOptions::new(PolicyType::RoleTrust, LoadMode::Author);
            if let Some(trust) = &mut role.trust {
                document(snapshot, trust, &options)?;
            }
        }
        StoreChange::PutResource(resource) => {
            let service = ArnParts::split(&resource.arn).map_or("", |arn| arn.service);
            if !unbound.contains(&service) {
                let options = LoadOptions::new(PolicyType::ResourceBased, LoadMode::Author)
                    .with_resource(&resource.arn);
                for policy in &mut resource.policies {
                    document(snapshot, policy, &options)?;
                }
            }
        }
        _ => {}
    }
    Ok(change)
}

/// L-321: a stored policy as it is shown: unique ids as the ARNs of their entities while there are
/// such (L-324), as they are afterwards (L-322).
pub fn show(snapshot: &StoreSnapshot, text: &str) -> String {
    show_principals(text, |id| snapshot.by_unique_id(id).map(|entity| entity.arn().into()))
}

fn document(
    snapshot: &StoreSnapshot,
    document: &mut DocumentText,
    options: &LoadOptions,
) -> Result<(), Vec<Finding>> {
    let stored = bind_principals(&document.text, options, |arn| binding(snapshot, arn))?;
    if stored != *document.text {
        *document = DocumentText::new(stored);
    }
    Ok(())
}

/// Whom an ARN of a user or role means.
fn binding(snapshot: &StoreSnapshot, arn: &str) -> Binding {
    let account = ArnParts::split(arn).and_then(|arn| arn.account.parse::<AccountId>().ok());
    let held = account.and_then(|account| snapshot.account(account));
    // Nobody knows the entities of an external account (F-48).
    if held.is_none_or(|account| account.external.is_some()) {
        return Binding::Text;
    }
    let user = snapshot.user_by_arn(arn).map(|user| &user.unique_id);
    let found = user.or_else(|| snapshot.role_by_arn(arn).map(|role| &role.unique_id));
    found.map_or(Binding::Nobody, |unique_id| Binding::Entity(unique_id.clone()))
}
