//! Everything that part of a request says, as bytes to look it up by.

use std::hash::{Hash, Hasher};

/// Writes all that equality looks at. Values of one type that differ write different bytes, of
/// which none begin the others: so `Hash` asks of everyone who implements it.
struct Writer<'b>(&'b mut Vec<u8>);

impl Hasher for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Nobody asks for a number here.
    fn finish(&self) -> u64 {
        0
    }
}

/// Writes what a value says in place of what stood in the buffer.
pub(super) fn write(said: impl Hash, buffer: &mut Vec<u8>) {
    buffer.clear();
    said.hash(&mut Writer(buffer));
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use assize_model::{
        ContextInput, ContextScalar, Delivery, MfaState, PolicyText, Principal, PrincipalKind,
        ResourceData, Session, Source, StatedPrincipal,
    };

    use super::write;

    fn written(said: impl std::hash::Hash) -> Vec<u8> {
        let mut buffer = b"before".to_vec();
        write(said, &mut buffer);
        buffer
    }

    /// Some sessions of which no two are equal, with texts that would run together.
    fn sessions() -> Vec<Session<'static>> {
        let text = |text: &'static str| Some(Cow::Borrowed(text));
        let tags = |pairs: &[(&'static str, &'static str)]| {
            Some(pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect())
        };
        let claim = |input| Some(vec![("k".into(), input)]);
        let string = |text: &'static str| ContextScalar::String(text.into());
        let none = Session::default;
        vec![
            none(),
            Session { name: text(""), ..none() },
            Session { name: text("ab"), ..none() },
            Session { name: text("a"), source_identity: text("b"), ..none() },
            Session { source_identity: text("ab"), ..none() },
            Session { policy: Some(PolicyText("{}".into())), ..none() },
            Session { policy_arns: Some(vec![]), ..none() },
            Session { policy_arns: Some(vec!["a".into(), "b".into()]), ..none() },
            Session { policy_arns: Some(vec!["ab".into()]), ..none() },
            Session { tags: tags(&[("a", "b")]), ..none() },
            Session { tags: tags(&[("ab", "")]), ..none() },
            Session { inherited_tags: tags(&[("a", "b")]), ..none() },
            Session { issued_at: Some(1), ..none() },
            Session { expires_at: Some(1), ..none() },
            Session { mfa: Some(MfaState { present: true, at: None }), ..none() },
            Session { mfa: Some(MfaState { present: true, at: Some(0) }), ..none() },
            Session { temporary: Some(false), ..none() },
            Session { console: Some(false), ..none() },
            Session { claims: claim(ContextInput::Scalar(string("1"))), ..none() },
            Session { claims: claim(ContextInput::List(vec![string("1")])), ..none() },
            Session {
                claims: claim(ContextInput::Scalar(ContextScalar::Number("1".into()))),
                ..none()
            },
            Session { delivery: Some(Delivery::Lambda { function_arn: text("a") }), ..none() },
            Session { delivery: Some(Delivery::Ssm { instance_arn: text("a") }), ..none() },
        ]
    }

    #[test]
    fn what_differs_is_written_differently() {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for session in sessions() {
            for kind in [PrincipalKind::User, PrincipalKind::RoleSession] {
                let stated = StatedPrincipal {
                    session: Some(session.clone()),
                    ..StatedPrincipal::new(kind)
                };
                let principal = Principal::Stated(Box::new(stated));
                assert_eq!(written(&principal), written(principal.clone()));
                for source in [None, Some(Source::default())] {
                    all.push(written((&principal, &source)));
                }
            }
        }
        for text in ["", "a", "ab"] {
            all.push(written((Principal::Text(text.into()), None::<Source<'_>>)));
        }
        let n_written = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n_written);
    }

    #[test]
    fn texts_do_not_run_together() {
        let data = |text: &'static str| ResourceData {
            policy: Some(vec![PolicyText(text.into())]),
            ..ResourceData::default()
        };
        let keys = [("a", "b"), ("ab", ""), ("", "ab")];
        let mut all: Vec<_> = keys.iter().map(|(arn, text)| written((arn, data(text)))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), keys.len());
    }
}
