//! Which events of a log are asked about (C-4).

use std::collections::BTreeSet;

use assize_cloudtrail::Record;
use assize_formats::parse_time;
use assize_model::AccountId;

/// Which events of a log are asked about. Empty lists and absent bounds ask about all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not before this time, in seconds since the epoch.
    pub since: Option<i64>,
    /// Before this time.
    pub until: Option<i64>,
    /// Accounts: of the caller or of the log.
    pub accounts: BTreeSet<AccountId>,
    /// Services, as [`Filter::service`] names them, such as `s3`.
    pub services: BTreeSet<Box<str>>,
}

impl Filter {
    /// The name of a service that a filter knows: the beginning of its event source, in lower
    /// case. `s3`, `S3` and `s3.amazonaws.com` are one.
    pub fn service(text: &str) -> Box<str> {
        text.split('.').next().unwrap_or_default().to_ascii_lowercase().into()
    }

    /// Whether an event is asked about. An event without a time is in no window.
    pub fn admits(&self, record: &Record<'_>) -> bool {
        self.admits_time(record) && self.admits_account(record) && self.admits_service(record)
    }

    /// Whether an event is asked about if a copy of it is: the copy that names the caller, in the
    /// log of another account (F-51).
    pub(crate) fn admits_with_copy(&self, record: &Record<'_>) -> bool {
        let names_caller = record.identity.as_ref().is_some_and(|caller| caller.arn.is_some());
        record.shared_event_id.is_some()
            && names_caller
            && self.admits_time(record)
            && self.admits_service(record)
    }

    /// Whether an event would be asked about if its time were known.
    pub(crate) fn lacks_time(&self, record: &Record<'_>) -> bool {
        (self.since.is_some() || self.until.is_some())
            && record.event_time.as_deref().and_then(parse_time).is_none()
            && self.admits_account(record)
            && self.admits_service(record)
    }

    fn admits_time(&self, record: &Record<'_>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let time = record.event_time.as_deref().and_then(parse_time);
        time.is_some_and(|time| {
            self.since.is_none_or(|since| time >= since)
                && self.until.is_none_or(|until| time < until)
        })
    }

    fn admits_account(&self, record: &Record<'_>) -> bool {
        let caller = record.identity.as_ref().and_then(|identity| identity.account.as_deref());
        let mut named = [caller, record.recipient_account.as_deref()].into_iter().flatten();
        self.accounts.is_empty()
            || named.any(|id| id.parse().is_ok_and(|id| self.accounts.contains(&id)))
    }

    fn admits_service(&self, record: &Record<'_>) -> bool {
        if self.services.is_empty() {
            return true;
        }
        let service = record.event_source.as_deref().map(Self::service);
        service.is_some_and(|service| self.services.contains(&service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_admit_what_they_say() {
        let record = Record {
            event_time: Some("2024-05-01T12:00:00Z".into()),
            event_source: Some("s3.amazonaws.com".into()),
            recipient_account: Some("111111111111".into()),
            ..Record::default()
        };
        let noon = 1_714_564_800;
        let check = |filter: Filter, expected: bool| {
            assert_eq!(filter.admits(&record), expected, "{filter:?}");
        };
        check(Filter::default(), true);
        check(Filter { since: Some(noon), until: Some(noon + 1), ..Filter::default() }, true);
        check(Filter { since: Some(noon + 1), ..Filter::default() }, false);
        check(Filter { until: Some(noon), ..Filter::default() }, false);
        let accounts = |id: &str| id.parse().into_iter().collect();
        check(Filter { accounts: accounts("111111111111"), ..Filter::default() }, true);
        check(Filter { accounts: accounts("222222222222"), ..Filter::default() }, false);
        let services = |name: &str| [Filter::service(name)].into_iter().collect();
        for name in ["s3", "S3", "s3.amazonaws.com", "S3.amazonaws.com"] {
            check(Filter { services: services(name), ..Filter::default() }, true);
        }
        check(Filter { services: services("ec2"), ..Filter::default() }, false);

        let untimed = Record { event_time: Some("noon".into()), ..record.clone() };
        let since = Filter { since: Some(noon), ..Filter::default() };
        assert!(since.lacks_time(&untimed) && !since.admits(&untimed));
        assert!(!since.lacks_time(&record) && !Filter::default().lacks_time(&untimed));
        assert!(!Filter { services: services("ec2"), ..since }.lacks_time(&untimed));
    }
}
