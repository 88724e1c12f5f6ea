//! Pages of lists, and the opaque cursors between them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clorp_domain::{Error, FieldError};

use super::{END, Item, Key, Table, fault};

/// Bytes that the texts on one page of a list may take in an answer. Lambda's answers end at 6 MB.
pub(crate) const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes that a text takes in an answer: JSON escapes it, and Lambda puts the body into JSON once more.
pub(crate) fn answer_bytes(text: &str) -> usize {
    let bytes = |byte: u8| match byte {
        b'"' | b'\\' => 4,
        b'\n' | b'\t' | b'\r' => 3,
        0..0x20 => 7,
        _ => 1,
    };
    text.bytes().map(bytes).sum()
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The page's items, in the list's order.
    pub items: Vec<T>,
    /// The cursor to the next page; `None` on the last page. A page may hold fewer items than asked for and
    /// still have a next one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page with each item changed by `f`.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn try_map<U, E>(self, f: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        Ok(Page { items: self.items.into_iter().map(f).collect::<Result<_, E>>()?, next: self.next })
    }

    /// The page with each item changed by `f`.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

/// A list whose items are in one partition, under sort keys that are a prefix and an id each.
pub(crate) struct List {
    /// The name that its cursors carry.
    pub name: &'static str,
    /// The partition.
    pub pk: String,
    /// The prefix.
    pub prefix: &'static str,
}

impl Table {
    /// A page of a list, newest first. One round trip, 1 read unit for each 4 KB.
    pub(crate) async fn newest(
        &self,
        list: List,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<Item>, Error> {
        let List { name, pk, prefix } = list;
        let after = position(name, after)?.unwrap_or_else(|| END.to_string());
        let last = format!("{prefix}{after}");
        let answer = self
            .between(pk, prefix, &last)
            .scan_index_forward(false)
            // One more to know whether there is a next page, and one for the item that the cursor names,
            // which the range includes.
            .limit(limit.saturating_add(2))
            .send()
            .await
            .map_err(|e| fault("query a list", e))?;
        let mut items = answer.items.unwrap_or_default();
        let sort_key = |item: &Item| Key::of_item(item).map(|key| key.sk).unwrap_or_default();
        items.retain(|item| sort_key(item) < last);
        let keep = usize::try_from(limit).unwrap_or(0);
        let more = items.len() > keep;
        items.truncate(keep);
        let end = items.last().filter(|_| more).map(sort_key);
        let next = end.map(|key| cursor(name, key.strip_prefix(prefix).unwrap_or_default()));
        Ok(Page { items, next })
    }
}

/// The cursor to the items after `position` in the list called `list`.
pub(crate) fn cursor(list: &str, position: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list} {position}"))
}

/// The position that a cursor stands for. A cursor is valid only for the list that issued it.
pub(crate) fn position(list: &str, cursor: Option<&str>) -> Result<Option<String>, FieldError> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let position = text.strip_prefix(list)?.strip_prefix(' ')?;
        let sound =
            !position.is_empty() && position.len() <= 128 && position.bytes().all(|b| b.is_ascii_graphic());
        sound.then(|| position.to_owned())
    };
    match read() {
        Some(position) => Ok(Some(position)),
        None => Err(foreign_cursor()),
    }
}

/// The refusal of a cursor that the list did not issue.
pub(crate) fn foreign_cursor() -> FieldError {
    FieldError::new("cursor", "invalid_cursor", "Cursor was not given by this list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_as_many_bytes_as_json_within_json() {
        for text in ["plain", "é", "\"", "\\", "\n\t\r", "\u{1}", "\u{7f}", "</script>"] {
            let body = serde_json::to_string(text).unwrap();
            let answer = serde_json::to_string(&body).unwrap();
            // Each of the two texts has quotes of its own.
            assert_eq!(answer_bytes(text), answer.len() - "\"\\\"\\\"\"".len(), "{text:?}");
        }
    }

    #[test]
    fn a_cursor_leads_back_to_its_position_in_its_own_list_only() {
        let given = cursor("board.closing", "0001#X");
        assert_eq!(position("board.closing", Some(&given)).unwrap().as_deref(), Some("0001#X"));
        assert_eq!(position("board.closing", None).unwrap(), None);
        for (list, bad) in [
            ("board", given.as_str()),
            ("board.price", &given),
            ("board.closing", "x"),
            ("board.closing", ""),
        ] {
            assert_eq!(position(list, Some(bad)).unwrap_err().field, "cursor", "{list} {bad}");
        }
    }
}
