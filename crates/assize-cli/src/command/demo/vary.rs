//! Variations of requests: other resources, addresses and times, from a seed.

use std::borrow::Cow;

use assize_model::{Principal, Request, Target};
use fastrand::Rng;

/// Most seconds by which the time of a request is moved: half a day.
const MAX_SHIFT: i64 = 43_200;
/// Numbers of objects of a bucket.
const N_OBJECTS: u32 = 100_000;

/// One variation.
#[derive(Debug)]
pub(super) struct Variation {
    random: Rng,
}

impl Variation {
    /// The variation of a number; the same seed and number give the same variation.
    pub(super) fn of(seed: u64, number: u64) -> Self {
        // Neighboring seeds of one generator give unlike numbers only when they are spread.
        let spread = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { random: Rng::with_seed(seed ^ spread) }
    }

    /// One of the requests, varied.
    pub(super) fn request<'a>(mut self, bases: &[Request<'a>]) -> Request<'a> {
        let at = self.random.usize(0..bases.len());
        let Some(base) = bases.get(at) else { return Request::default() };
        let mut request = base.clone();
        self.vary_resource(&mut request);
        self.vary_address(&mut request);
        self.vary_time(&mut request);
        request
    }

    /// Another object of the bucket, another instance of the account. Principals and keys stay:
    /// they are facts of the world.
    fn vary_resource(&mut self, request: &mut Request<'_>) {
        let Target::Action { resource: Some(resource), .. } = &mut request.target else { return };
        if let Some(varied) = self.resource(resource) {
            *resource = Cow::Owned(varied);
        }
    }

    fn resource(&mut self, arn: &str) -> Option<String> {
        if arn.starts_with("arn:aws:s3:::") {
            let (head, object) = arn.rsplit_once('/')?;
            return Some(format!("{head}/{}-{object}", self.random.u32(..N_OBJECTS)));
        }
        if arn.starts_with("arn:aws:ec2:") {
            let (head, id) = arn.rsplit_once('-')?;
            let is_id = id.len() >= 8 && id.bytes().all(|b| b.is_ascii_alphanumeric());
            let letters = (0..id.len()).map(|_| self.random.digit(16)).collect::<String>();
            return is_id.then(|| format!("{head}-{letters}"));
        }
        None
    }

    /// An address of the same network, of the office that policies name, or of anywhere.
    fn vary_address(&mut self, request: &mut Request<'_>) {
        let Some(network) = &mut request.network else { return };
        let Some(address) = &network.source_ip else { return };
        let Some((net, _)) = address.rsplit_once('.') else { return };
        let host = self.random.u8(1..255);
        let varied = match self.random.u8(..10) {
            0..6 => format!("{net}.{host}"),
            6..9 => format!("203.0.113.{host}"),
            _ => {
                let [a, b, c] = [(); 3].map(|()| self.random.u8(1..224));
                format!("{a}.{b}.{c}.{host}")
            }
        };
        network.source_ip = Some(Cow::Owned(varied));
    }

    /// Another time of about the same day; the session moves along.
    fn vary_time(&mut self, request: &mut Request<'_>) {
        let Some(time) = &mut request.time else { return };
        let shift = self.random.i64(-MAX_SHIFT..=MAX_SHIFT);
        *time += shift;
        if let Principal::Stated(stated) = &mut request.principal
            && let Some(session) = &mut stated.session
        {
            session.issued_at = session.issued_at.map(|issued| issued + shift);
            session.expires_at = session.expires_at.map(|expires| expires + shift);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_is_the_same_variation() {
        let base = Request {
            target: Target::Action {
                action: "s3:GetObject".into(),
                resource: Some("arn:aws:s3:::b/a/k".into()),
                resources: Vec::new(),
            },
            time: Some(0),
            ..Request::default()
        };
        let bases = [base];
        let make = |number| Variation::of(7, number).request(&bases);
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        let Target::Action { resource: Some(resource), .. } = make(3).target else {
            panic!("the target stays an action");
        };
        assert!(resource.starts_with("arn:aws:s3:::b/a/") && resource.ends_with("-k"));
    }
}
