//! Pagination of lists.

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use clorp_store::Page;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::IntoParams;

use crate::headers::NEXT_CURSOR;
use crate::problem::Problem;
use crate::request_url::RequestUrl;

const MAX_LIMIT: i32 = 100;
const DEFAULT_LIMIT: i32 = 50;

/// Selects a page of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Maximum number of items, 1 to 100; the default is 50. A shorter page may still have a next page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    pub limit: Option<i32>,
    /// Start of the page: the `X-Next-Cursor` of the previous page. The first page if left out.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

impl Paging {
    /// Maximum number of items.
    ///
    /// # Errors
    /// 400 outside 1 to 100.
    pub fn limit(&self) -> Result<i32, Problem> {
        page_limit(self.limit)
    }
}

/// Maximum number of items for a `limit` parameter.
///
/// # Errors
/// 400 outside 1 to 100.
pub fn page_limit(limit: Option<i32>) -> Result<i32, Problem> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::invalid("limit", "invalid_limit", "Limit must be from 1 to 100")),
    }
}

/// A response with the page as a JSON array, and the next page's cursor in `Link` and `X-Next-Cursor`.
pub fn list<T: Serialize>(url: &RequestUrl, page: Page<T>) -> Response {
    let mut response = Json(page.items).into_response();
    if let Some(cursor) = page.next {
        link_next(&mut response, url, &cursor);
    }
    response
}

/// Adds the headers that lead to the next page: the same request with another cursor.
pub fn link_next(response: &mut Response, url: &RequestUrl, cursor: &str) {
    let kept = url.query().split('&').filter(|pair| !pair.is_empty() && !is_cursor(pair));
    let mut query: Vec<&str> = kept.collect();
    // Cursors are base64url and need no escaping.
    let cursor_pair = format!("cursor={cursor}");
    query.push(&cursor_pair);
    let link = format!("<{}?{}>; rel=\"next\"", url.without_query(), query.join("&"));
    let values = [(header::LINK, link), (NEXT_CURSOR, cursor.to_owned())];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
}

/// True if a pair of a query is a cursor, however its name is written.
fn is_cursor(pair: &str) -> bool {
    form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "cursor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_replaced_however_its_name_is_written() {
        for cursor in ["cursor=a", "%63ursor=a", "curso%72", "cursor", "cursor=a=b"] {
            assert!(is_cursor(cursor), "{cursor}");
        }
        for other in ["limit=5", "cursors=a", "a=cursor", "%2563ursor=a", ""] {
            assert!(!is_cursor(other), "{other}");
        }
    }
}
