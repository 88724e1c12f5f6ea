//! Text that is stored deflated where that is shorter, for `#[serde(with)]`: reads and writes are charged by
//! size.

use std::fmt;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// zlib's default: higher levels take longer and gain little on prose.
const LEVEL: u8 = 6;
/// Above the size of any stored text. The limit keeps a damaged item from filling the memory.
const MAX_BYTES: usize = 1024 * 1024;

/// Bytes that a text takes as it is stored.
pub(crate) fn stored_bytes(text: &str) -> usize {
    if text.len() > MAX_BYTES {
        return text.len();
    }
    compress_to_vec(text.as_bytes(), LEVEL).len().min(text.len())
}

pub(crate) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let deflated = compress_to_vec(text.as_bytes(), LEVEL);
    if deflated.len() < text.len() && text.len() <= MAX_BYTES {
        serializer.serialize_bytes(&deflated)
    } else {
        serializer.serialize_str(text)
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_any(Compressed)
}

struct Compressed;

impl Visitor<'_> for Compressed {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a deflated one")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bytes<E: Error>(self, deflated: &[u8]) -> Result<String, E> {
        let text = decompress_to_vec_with_limit(deflated, MAX_BYTES).map_err(E::custom)?;
        String::from_utf8(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use crate::table::item::{decode, encode};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        #[serde(with = "super")]
        text: String,
    }

    #[test]
    fn a_text_is_deflated_where_that_is_shorter_and_read_either_way() {
        for (text, is_deflated) in [("", false), ("Short", false), (&"Long and repeated. ".repeat(20), true)]
        {
            let item = encode(&Holder { text: text.to_owned() }).unwrap();
            assert_eq!(matches!(item["text"], AttributeValue::B(_)), is_deflated, "{text}");
            assert_eq!(decode::<Holder>(item).unwrap().text, text);
        }
    }

    #[test]
    fn bytes_that_are_no_deflated_text_are_refused() {
        for bytes in [&b""[..], b"\xff\xff\xff", &miniz_oxide::deflate::compress_to_vec(b"\xff", 6)] {
            let item = [("text".to_owned(), AttributeValue::B(bytes.to_vec().into()))].into();
            assert!(decode::<Holder>(item).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_as_it_was_written(text in "(\\PC|[\\n\\t\\u{0}]|word ){0,300}") {
            let item = encode(&Holder { text: text.clone() }).unwrap();
            prop_assert_eq!(decode::<Holder>(item).unwrap().text, text);
        }
    }
}
