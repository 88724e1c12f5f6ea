//! Queries and headers. The input is the query of a URL, and the value of each header that is parsed.
//!
//! The link to the next page leads back to the same list with the new cursor. A header's value is accepted in
//! one spelling.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Uri};
use axum::response::IntoResponse;
use clorp_domain::timeline::EventId;
use clorp_domain::{DropId, IdempotencyKey};
use clorp_http::error_codes::ERROR_CODES;
use clorp_http::event_stream::LastEventId;
use clorp_http::paging::link_next;
use clorp_http::{ApiQuery, NoParams, Origins, Paging, Problem, RequestUrl};

use crate::support::block_on;
use crate::{Shape, Target, ensure};

pub const TARGET: Target = Target {
    name: "query",
    subject: "queries, links to pages, and headers",
    valid,
    words: &[
        "limit=",
        "limit",
        "cursor=",
        "&",
        "&&",
        "=",
        "100",
        "101",
        "-1",
        "%31",
        "%",
        "cursor=abc&cursor=def",
        "limit[]=1",
        "1795512600000-0",
        "-",
        "https://clorp.example",
        "null",
        "k-1",
        "\"quoted\"",
        "+",
    ],
    check,
    shapes: &[
        Shape { name: "pairs", make: |bytes| b"cursor=a&".repeat(bytes / 9), most: 60_000 },
        Shape { name: "ampersands", make: |bytes| vec![b'&'; bytes], most: 60_000 },
        Shape { name: "escapes", make: |bytes| b"cursor=%41".repeat(bytes / 10), most: 60_000 },
        Shape { name: "origins", make: |bytes| b"https://a.example,".repeat(bytes / 18), most: 1 << 20 },
        Shape { name: "digits", make: |bytes| vec![b'1'; bytes], most: 1 << 20 },
    ],
};

fn valid() -> Vec<Vec<u8>> {
    let texts = [
        "limit=20&cursor=bGVkZ2VyIDAx",
        "cursor=bGVkZ2VyIDAx",
        "",
        "limit=1",
        "1795512600000-0",
        "https://clorp.example",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

fn parts(query: &str) -> Option<Parts> {
    let uri: Uri = format!("/api/wallet/ledger?{query}").parse().ok()?;
    let request = Request::builder().uri(uri).header("host", "api.clorp.example").body(()).ok()?;
    Some(request.into_parts().0)
}

fn documented(problem: &Problem) -> Result<(), String> {
    let documented = problem.status.is_client_error() && ERROR_CODES.contains(&problem.code.as_ref());
    ensure(documented, || format!("refused with {problem:?}"))
}

fn check_query(mut parts: Parts) -> Result<(), String> {
    if let Err(problem) = block_on(NoParams::from_request_parts(&mut parts, &())) {
        documented(&problem)?;
    }
    let paging = match block_on(ApiQuery::<Paging>::from_request_parts(&mut parts, &())) {
        Ok(ApiQuery(paging)) => paging,
        Err(problem) => return documented(&problem),
    };
    match paging.limit() {
        Ok(limit) => ensure((1..=100).contains(&limit), || format!("a limit of {limit}"))?,
        Err(problem) => documented(&problem)?,
    }
    let Ok(url) = block_on(RequestUrl::from_request_parts(&mut parts, &()));
    let mut response = Json(()).into_response();
    link_next(&mut response, &url, "bmV3");
    let Some(link) = response.headers().get("link").and_then(|link| link.to_str().ok()) else {
        return Err("no link".to_owned());
    };
    let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    let next = next.and_then(|next| next.split_once('?')).ok_or_else(|| format!("the link {link}"))?.1;
    let mut followed = self::parts(next).ok_or_else(|| format!("the link {link}"))?;
    let Ok(ApiQuery(next)) = block_on(ApiQuery::<Paging>::from_request_parts(&mut followed, &())) else {
        return Err(format!("the link {link} is refused"));
    };
    let same = (next.limit, next.cursor.as_deref()) == (paging.limit, Some("bmV3"));
    ensure(same, || format!("the link {link} leads to {next:?}"))
}

fn check(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    if let Some(parts) = parts(&text) {
        check_query(parts)?;
    }
    if let Ok(key) = text.parse::<IdempotencyKey>() {
        let sound = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        let sound = sound && key.hash().len() == 64;
        ensure(sound, || format!("accepted the key {text:?}"))?;
    }
    if let Some(origins) = Origins::parse(&text) {
        let listed = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let sound =
            listed.clone().all(|origin| origin.starts_with("https://") || origin.starts_with("http://"));
        let plain = listed
            .clone()
            .all(|origin| !origin.contains(['@', '*', ' ']) && origin.matches('/').count() == 2);
        ensure(sound && plain, || format!("accepted {origins:?}"))?;
    }
    if let Ok(value) = HeaderValue::from_bytes(input) {
        let request =
            Request::builder().header("last-event-id", value).body(()).map_err(|error| error.to_string())?;
        let mut parts = request.into_parts().0;
        match block_on(LastEventId::<EventId>::from_request_parts(&mut parts, &())) {
            Ok(LastEventId(Some(id))) => ensure(id.to_string() == text, || format!("{id} and not {text}"))?,
            Ok(LastEventId(None)) => ensure(text.is_empty(), || format!("the start and not {text}"))?,
            Err(problem) => documented(&problem)?,
        }
    }
    if let Ok(id) = text.parse::<DropId>() {
        ensure(id.to_string() == text, || format!("{id} and not {text}"))?;
    }
    Ok(())
}
