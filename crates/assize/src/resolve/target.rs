//! What the snapshot says of the user or role that a write of IAM is about (E-97).

use std::borrow::Cow;

use assize_model::{ContextInput, ContextScalar, Request, RequestError, fold_key};

use super::Resolver;
use super::check::CheckSpec;
use super::gaps::lists;

/// The key of E-97.
pub(super) const BOUNDARY: &str = "iam:PermissionsBoundary";

impl Resolver<'_> {
    /// Adds the row of a check, with what is known of its target beside what the request gives.
    pub(super) fn push_row<'r>(
        &mut self,
        request: &'r Request<'r>,
        principal: u32,
        check: &mut CheckSpec<'r>,
    ) -> Result<(), RequestError> {
        let Some(boundary) = self.target_boundary(request, check) else {
            return self.push_row_as_given(request, principal, check);
        };
        let mut context = check.context.to_vec();
        context.push((Cow::Borrowed(BOUNDARY), boundary));
        let mut check = check.with_context(&context);
        self.push_row_as_given(request, principal, &mut check)
    }

    /// E-97: the boundary of a check's target as the request would give it. None if that is not
    /// asked, the snapshot does not hold the target, or the request says of the key what it may.
    fn target_boundary(
        &self,
        request: &Request<'_>,
        check: &CheckSpec<'_>,
    ) -> Option<ContextInput<'static>> {
        if !self.actions[check.action as usize].asks_target_boundary {
            return None;
        }
        let arn = check.resource.as_deref()?;
        let snapshot = &self.engine.snapshot;
        let of_user = snapshot.user_by_arn(arn).map(|user| &user.boundary);
        let boundary = of_user.or_else(|| snapshot.role_by_arn(arn).map(|role| &role.boundary))?;
        let mut given = check.context.iter().chain(&request.context);
        let is_given = given.any(|(name, _)| name.eq_ignore_ascii_case(BOUNDARY));
        let said = lists(request, check.context).says_unknown(&fold_key(BOUNDARY));
        if is_given || said == Some(true) {
            return None;
        }
        Some(match boundary {
            Some(arn) => ContextInput::Scalar(ContextScalar::String(Cow::Owned(arn.to_string()))),
            // An empty list is a key that is known to be absent (L-609, E-121).
            None => ContextInput::List(Vec::new()),
        })
    }
}
