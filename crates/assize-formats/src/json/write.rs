//! Writing JSON into byte buffers.

/// Writes a text as a JSON string, with the shortest escapes.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0..0x20) {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

/// Writes a list of strings.
pub(crate) fn write_strings<T: AsRef<str>>(out: &mut Vec<u8>, texts: impl IntoIterator<Item = T>) {
    write_list(out, texts, |out, text| write_string(out, text.as_ref()));
}

/// Writes a list.
pub(crate) fn write_list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Writes one object, member by member, in the order of the calls (F-7).
#[derive(Debug)]
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Object<'o> {
    /// Opens an object.
    pub(crate) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// An object that was opened, and has a member.
    pub(crate) fn go_on(out: &'o mut Vec<u8>) -> Self {
        Self { out, first: false }
    }

    /// Writes a name, and gives the buffer for the value.
    pub(crate) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        write_string(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// A member that holds a word of the format, which has nothing to escape.
    pub(crate) fn word(&mut self, name: &'static str, word: &'static str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        for part in ["\"", name, "\":\"", word, "\""] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    /// A member that holds a string.
    pub(crate) fn string(&mut self, name: &str, text: &str) {
        write_string(self.key(name), text);
    }

    /// A member that holds a string, if there is one.
    pub(crate) fn string_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.string(name, text);
        }
    }

    /// A member whose value is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.key(name).extend_from_slice(json.as_bytes());
    }

    /// A member that holds a boolean.
    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// A member that holds a number.
    pub(crate) fn number(&mut self, name: &str, value: u64) {
        let out = self.key(name);
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// Closes the object.
    pub(crate) fn close(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Cursor;

    #[test]
    fn strings_are_read_back_as_they_were() {
        let all: String = (0_u8..128).map(char::from).chain("é😀\u{2028}".chars()).collect();
        let mut out = Vec::new();
        write_string(&mut out, &all);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(Cursor::new(&text).string().unwrap(), all);
    }
}
