//! Pages of lists on the wire.

use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use clorp_store::Page;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::Problem;

const MAX_LIMIT: i32 = 100;
const DEFAULT_LIMIT: i32 = 50;

/// Which page of a list is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// At most this many items, 1 to 100; 50 if left out. A page may be shorter and still have a next one.
    #[param(minimum = 1, maximum = 100, default = 50)]
    pub limit: Option<i32>,
    /// Where the page begins: `X-Next-Cursor` of the page before.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

impl Paging {
    /// How many items at most.
    ///
    /// # Errors
    /// 400 outside 1 to 100.
    pub fn limit(&self) -> Result<i32, Problem> {
        page_limit(self.limit)
    }
}

/// How many items at most, given what the caller asked for.
///
/// # Errors
/// 400 outside 1 to 100.
pub fn page_limit(limit: Option<i32>) -> Result<i32, Problem> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::invalid("limit", "invalid_limit", "Limit must be from 1 to 100")),
    }
}

/// The page as a JSON array, with the way to the next one in `Link` and `X-Next-Cursor`.
pub fn list<T: Serialize>(uri: &Uri, page: Page<T>) -> Response {
    let mut response = Json(page.items).into_response();
    if let Some(cursor) = page.next {
        link_next(&mut response, uri, &cursor);
    }
    response
}

/// Says where the next page is: the same request with another cursor.
pub fn link_next(response: &mut Response, uri: &Uri, cursor: &str) {
    let kept = uri.query().unwrap_or_default().split('&');
    let mut query: Vec<&str> = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")).collect();
    // Cursors are base64url and need no escaping.
    let cursor_pair = format!("cursor={cursor}");
    query.push(&cursor_pair);
    let link = format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"));
    let values =
        [(header::LINK, link), (header::HeaderName::from_static("x-next-cursor"), cursor.to_owned())];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
}
