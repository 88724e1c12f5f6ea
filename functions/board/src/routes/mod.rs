//! The endpoints, one per file.

pub(crate) mod board;
pub(crate) mod directory;
pub(crate) mod feed;
pub(crate) mod llms;
pub(crate) mod openapi;
pub(crate) mod stats;

use axum::http::HeaderMap;
use axum::response::Response;
use clorp_domain::pack::UnknownPack;
use clorp_domain::{Error, Pack};
use clorp_http::cache::cacheable_response;
use clorp_http::paging::link_next;
use clorp_http::{Problem, RequestUrl};
use clorp_store::Page;
use serde::Serialize;

/// Parses the `pack` parameter.
fn parse_pack(word: Option<&str>) -> Result<Option<Pack>, Problem> {
    let parsed = word.map(str::parse).transpose();
    parsed.map_err(|unknown: UnknownPack| Problem::invalid("pack", "invalid_pack", unknown.to_string()))
}

/// A cacheable response with a public value as JSON.
fn cacheable_json<T: Serialize>(
    headers: &HeaderMap,
    max_age_seconds: u32,
    value: &T,
) -> Result<Response, Problem> {
    let body =
        serde_json::to_vec(value).map_err(|e| Error::internal(format!("body cannot be written: {e}")))?;
    Ok(cacheable_response(headers, max_age_seconds, "application/json", body))
}

/// A cacheable response with a page of a public list.
fn cacheable_page<T: Serialize>(
    headers: &HeaderMap,
    url: &RequestUrl,
    max_age_seconds: u32,
    page: &Page<T>,
) -> Result<Response, Problem> {
    let mut response = cacheable_json(headers, max_age_seconds, &page.items)?;
    if let Some(cursor) = &page.next {
        link_next(&mut response, url, cursor);
    }
    Ok(response)
}
