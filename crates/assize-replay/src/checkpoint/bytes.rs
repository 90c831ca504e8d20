//! The bytes of a checkpoint: whole numbers of variable length, texts and lists behind their
//! lengths.

use std::collections::BTreeMap;
use std::sync::Arc;

use assize_model::AccountId;

/// The bytes are not those of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// Gives bytes back in the order in which they were put.
#[derive(Debug)]
pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn bytes(&mut self, n: usize) -> Result<&'b [u8], Broken> {
        let (bytes, rest) = self.rest.split_at_checked(n).ok_or(Broken)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<&'b str, Broken> {
        let n = usize::take(self)?;
        std::str::from_utf8(self.bytes(n)?).map_err(|_| Broken)
    }

    /// The value of a word of a wire format.
    pub(super) fn word<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Result<T, Broken> {
        find(self.text()?).ok_or(Broken)
    }
}

/// What a checkpoint holds.
pub(super) trait Persist: Sized {
    /// Puts it behind the bytes so far.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes it from the beginning of the bytes.
    fn take(from: &mut Reader<'_>) -> Result<Self, Broken>;
}

/// Puts a text.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    text.len().put(out);
    out.extend_from_slice(text.as_bytes());
}

impl Persist for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        loop {
            let [low, ..] = (rest & 0x7f).to_le_bytes();
            rest >>= 7;
            out.push(if rest == 0 { low } else { low | 0x80 });
            if rest == 0 {
                return;
            }
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = from.bytes(1)?[0];
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                return Err(Broken);
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken)
    }
}

impl Persist for i64 {
    fn put(&self, out: &mut Vec<u8>) {
        // The sign goes last, so that small numbers of both signs are short.
        let folded = (self.cast_unsigned() << 1) ^ (self >> 63).cast_unsigned();
        folded.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let folded = u64::take(from)?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }
}

/// Numbers that are put as longer ones.
macro_rules! persist_as_u64 {
    ($($type:ty),+) => {$(
        impl Persist for $type {
            fn put(&self, out: &mut Vec<u8>) {
                // No platform has numbers of more than 64 bits here.
                u64::try_from(*self).unwrap_or(u64::MAX).put(out);
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
                Self::try_from(u64::take(from)?).map_err(|_| Broken)
            }
        }
    )+};
}

persist_as_u64!(u8, u32, usize);

impl Persist for u128 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let bytes = from.bytes(size_of::<Self>())?;
        bytes.try_into().map(Self::from_le_bytes).map_err(|_| Broken)
    }
}

impl Persist for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        match from.bytes(1)?[0] {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Broken),
        }
    }
}

impl Persist for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, self);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        from.text().map(Into::into)
    }
}

impl Persist for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, self);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        from.text().map(Into::into)
    }
}

impl Persist for AccountId {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, self.as_str());
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        from.word(|text| text.parse().ok())
    }
}

impl<T: Persist> Persist for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        if bool::take(from)? { T::take(from).map(Some) } else { Ok(None) }
    }
}

impl<T: Persist> Persist for Arc<T> {
    fn put(&self, out: &mut Vec<u8>) {
        T::put(self, out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        T::take(from).map(Self::new)
    }
}

impl<T: Persist> Persist for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for item in self {
            item.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        // Every item takes a byte at least, so a wrong length ends with the bytes, not with the
        // memory.
        let n = usize::take(from)?;
        let mut items = Self::with_capacity(n.min(from.rest.len()).min(1 << 16));
        for _ in 0..n {
            items.push(T::take(from)?);
        }
        Ok(items)
    }
}

impl<K: Persist + Ord, V: Persist> Persist for BTreeMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        let mut map = Self::new();
        for _ in 0..usize::take(from)? {
            map.insert(K::take(from)?, V::take(from)?);
        }
        Ok(map)
    }
}

impl<A: Persist, B: Persist> Persist for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

impl<A: Persist, B: Persist, C: Persist> Persist for (A, B, C) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
        self.2.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
        Ok((A::take(from)?, B::take(from)?, C::take(from)?))
    }
}

/// Puts the fields of a record in order, and takes them in the same.
macro_rules! persist_fields {
    ($type:ty { $($field:ident),+ $(,)? }) => {
        impl Persist for $type {
            fn put(&self, out: &mut Vec<u8>) {
                // A field that is forgotten does not compile.
                let Self { $($field),+ } = self;
                $($field.put(out);)+
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
                Ok(Self { $($field: Persist::take(from)?),+ })
            }
        }
    };
}

/// Puts the words of a wire format.
macro_rules! persist_words {
    ($($type:ty: $find:expr),+ $(,)?) => {$(
        impl Persist for $type {
            fn put(&self, out: &mut Vec<u8>) {
                put_text(out, self.as_str());
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, Broken> {
                from.word($find)
            }
        }
    )+};
}

pub(super) use {persist_fields, persist_words};

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Persist + PartialEq + std::fmt::Debug>(value: &T) {
        let mut bytes = Vec::new();
        value.put(&mut bytes);
        let mut reader = Reader::new(&bytes);
        assert_eq!(T::take(&mut reader).as_ref(), Ok(value));
        assert!(reader.is_at_end());
        for end in 0..bytes.len() {
            assert_eq!(T::take(&mut Reader::new(&bytes[..end])), Err(Broken), "{value:?} to {end}");
        }
    }

    #[test]
    fn values_come_back() {
        for number in [0, 1, 127, 128, 16_384, u64::MAX] {
            check(&number);
        }
        for number in [0, -1, 1, 63, -64, i64::MIN, i64::MAX] {
            check(&number);
        }
        check(&(u128::MAX / 3));
        check(&(Box::<str>::from("é"), Some(true), vec![1_u32, 2]));
        check(&BTreeMap::from([(1_u64, String::from("a")), (2, String::new())]));
    }

    #[test]
    fn numbers_that_are_too_long_are_refused() {
        let mut bytes = vec![0xff; 9];
        bytes.push(0x02);
        assert_eq!(u64::take(&mut Reader::new(&bytes)), Err(Broken));
        assert_eq!(u64::take(&mut Reader::new(&[0x80; 11])), Err(Broken));
        assert_eq!(u8::take(&mut Reader::new(&[0xff, 0x03])), Err(Broken));
        // A length beyond all bytes.
        assert_eq!(Vec::<u64>::take(&mut Reader::new(&[0xff, 0xff, 0x03, 1])), Err(Broken));
    }
}
