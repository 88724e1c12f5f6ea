//! Pages of lists, and the opaque cursors between them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clorp_domain::FieldError;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The page's items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last page. A page may hold fewer items than asked for and still
    /// have a next one.
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

/// The cursor to the item after `position` in the list called `list`.
pub(crate) fn cursor(list: &str, position: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list} {position}"))
}

/// The position a cursor stands for. A cursor is good only for the list that gave it.
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

/// The refusal of a cursor that no page of the list gave.
pub(crate) fn foreign_cursor() -> FieldError {
    FieldError::new("cursor", "invalid_cursor", "Cursor was not given by this list")
}

#[cfg(test)]
mod tests {
    use super::*;

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
