//! Finds out in which encoding a page is written.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use shared::domain::Charset;

use crate::rag::reading::Unreadable;

/// Where a page has to name its encoding, if it does.
const HEAD_BYTES: usize = 1024;

/// Decodes a page by, in this order: its byte order mark, the encoding that was named with the upload, the one that it
/// names itself, UTF-8 if it is that, windows-1252.
pub(super) fn decode(bytes: &[u8], charset: Option<Charset>) -> Result<String, Unreadable> {
    let named = || charset.and_then(|charset| Encoding::for_label(charset.name().as_bytes()));
    let encoding = named()
        .or_else(|| named_within(bytes))
        .unwrap_or_else(|| by_looks(bytes));
    // The byte order mark, if there is one, wins over `encoding`.
    let (text, _, _) = encoding.decode(bytes);
    // No page has this character, but nearly every file of another kind does.
    if text.contains('\0') || text.trim_start().starts_with("%PDF-") {
        return Err(Unreadable::Damaged);
    }
    Ok(text.into_owned())
}

/// What stands after `charset=` in the head. Whoever could read this far was not reading UTF-16, whatever it says.
fn named_within(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(HEAD_BYTES)].to_ascii_lowercase();
    let meta = head.windows(5).position(|window| window == b"<meta")?;
    let found = head[meta..].windows(8).position(|window| window == b"charset=")?;
    let value = &head[meta + found + 8..];
    let value = value.strip_prefix(b"\"").or(value.strip_prefix(b"'")).unwrap_or(value);
    let length = value.iter().position(|byte| b"\"'; \t\r\n/>".contains(byte))?;
    let encoding = Encoding::for_label_no_replacement(&value[..length])?;
    Some(if encoding == UTF_16LE || encoding == UTF_16BE {
        UTF_8
    } else {
        encoding
    })
}

fn by_looks(bytes: &[u8]) -> &'static Encoding {
    if std::str::from_utf8(bytes).is_ok() {
        UTF_8
    } else {
        WINDOWS_1252
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Option<Charset> {
        Some(Charset::parse(name).unwrap())
    }

    #[test]
    fn the_encoding_is_found() {
        let latin = b"<p>gr\xfc\xdfe";
        assert_eq!(decode(latin, None).unwrap(), "<p>grüße");
        assert_eq!(decode("<p>grüße".as_bytes(), None).unwrap(), "<p>grüße");
        assert_eq!(decode(latin, named("latin1")).unwrap(), "<p>grüße");
        assert_eq!(decode(b"\xff\xfe<\0p\0>\0\xfc\0", named("utf-8")).unwrap(), "<p>ü");
        let shift_jis = b"<META http-equiv=x content='text/html; charset=Shift_JIS'><p>\x93\x8c\x8b\x9e";
        assert!(decode(shift_jis, None).unwrap().ends_with("東京"));
        let own = b"<meta charset=\"windows-1251\"><p>\xcc\xe8\xf0";
        assert!(decode(own, None).unwrap().ends_with("Мир"));
        assert!(
            decode(b"<meta charset=\"utf-16\"><p>a", None)
                .unwrap()
                .ends_with("<p>a")
        );
    }

    #[test]
    fn other_kinds_of_files_are_no_pages() {
        for bytes in [
            &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..],
            b"%PDF-1.7 ...",
            b"PK\x03\x04\0\0",
        ] {
            assert_eq!(decode(bytes, None), Err(Unreadable::Damaged));
        }
    }
}
