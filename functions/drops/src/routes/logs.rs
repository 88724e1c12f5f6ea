//! `GET /api/jobs/{id}/logs`: the timeline of a drop, as server-sent events.

mod schema;

use axum::extract::State;
use clorp_domain::drops::Relation;
use clorp_domain::time::rfc3339;
use clorp_domain::timeline::{Event, EventId, EventKind};
use clorp_domain::{Drop, DropId, Error, Rules, SubmissionId, UserId};
use clorp_http::event_stream::{EVENT_STREAM, EventStream, LastEventId};
use clorp_http::openapi::{AnyErrors, AuthErrors, IdErrors};
use clorp_http::{Caller, NoParams, PathId, Problem, words};
use serde::Serialize;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::App;

/// One event of a drop's timeline.
#[derive(Debug, Serialize)]
pub(crate) struct TimelineEvent {
    /// Identifier of the event.
    id: String,
    #[serde(flatten)]
    what: EventBody,
}

/// Kind of the event, and the data that belongs to it.
#[derive(Debug, Serialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub(crate) enum EventBody {
    /// The drop was posted.
    Created(CreatedData),
    /// The drop was paid, and appeared on the board.
    Opened(OpenedData),
    /// A worker claimed a slot, and still holds it.
    Claimed(ClaimedData),
    /// A worker submitted their output.
    Submitted(SubmittedData),
    /// The window closed, and the judge started.
    Ranking(RankingData),
    /// The drop was judged, and the winner was paid.
    Completed(CompletedData),
    /// The sender cancelled the drop; a paid price was refunded.
    Cancelled(EndData),
    /// The window closed without a submission; the price was refunded.
    Expired(EndData),
    /// The timeline is complete: no more events follow.
    Done(DoneData),
}

/// Data of a `created` event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedData {
    /// Time of the event (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// Price that the sender pays, in cents.
    price_cents: i64,
}

/// Data of an `opened` event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OpenedData {
    /// Time of the event (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// Time at which the drop stops taking claims and submissions.
    #[schema(format = DateTime)]
    window_closes_at: String,
    /// Earliest time at which the drop is ranked: only if every slot has submitted by then.
    #[schema(format = DateTime)]
    earliest_ranking_at: String,
    /// Number of slots of the drop.
    max_claims: u32,
}

/// Data of a `claimed` event. Only the sender sees the worker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimedData {
    /// Time of the event (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// End of the lease: no other worker can take the slot before.
    #[schema(format = DateTime)]
    lease_expires_at: String,
    /// Number of this claim among those that are still held, from 1. Released claims, and claims that were
    /// taken over, are not counted.
    claims_count: u32,
    /// True if the claim is the caller's.
    yours: bool,
    /// User id of the claimant; `null` unless the caller is the sender.
    worker: Option<String>,
}

/// Data of a `submitted` event, without the output. Only the sender sees the worker.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedData {
    /// Time of the event (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// Number of submissions so far, including this one.
    submissions_count: u32,
    /// True if the submission is the caller's.
    yours: bool,
    /// User id of the submitter; `null` unless the caller is the sender.
    worker: Option<String>,
}

/// Data of a `ranking` event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RankingData {
    /// Time of the event (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// Number of submissions to judge.
    submissions_count: u32,
}

/// Data of a `completed` event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompletedData {
    /// Time of the event (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// Grade of the winning submission, S to F.
    #[schema(value_type = words::SubmissionGrade)]
    grade: &'static str,
    /// Identifier of the winning submission.
    winning_submission_id: String,
}

/// Data of a `cancelled` or `expired` event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndData {
    /// Time of the event (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
}

/// Data of a `done` event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DoneData {
    /// Time of the event (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// Final status of the drop: `completed`, `cancelled` or `expired`.
    #[schema(value_type = words::DropStatus)]
    status: &'static str,
}

/// The schema of the stream: text that contains a list of events.
struct TimelineStream;

impl PartialSchema for TimelineStream {
    fn schema() -> RefOr<Schema> {
        // Several generators ignore the schema of a text's content. It says where the schema of an event
        // belongs, and linters would report a schema that nothing refers to.
        let events = ArrayBuilder::new().items(Ref::from_schema_name(TimelineEvent::name()));
        let text = ObjectBuilder::new().schema_type(Type::String).content_media_type(EVENT_STREAM);
        text.content_schema(Some(events)).into()
    }
}

impl ToSchema for TimelineStream {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((TimelineEvent::name().into_owned(), TimelineEvent::schema()));
        TimelineEvent::schemas(schemas);
    }
}

/// Read the timeline of a drop, as its sender or a claimant.
///
/// The response is a stream of server-sent events for a browser's `EventSource`. It ends after the current
/// events; `retry` is the delay before the next request, which names the last event in `Last-Event-ID`.
/// `EventSource` does this by itself. After `done` the next request is a 204, at which `EventSource` stops.
/// The body is text: `id` and `event` are lines of a server-sent event, and `data` is JSON on one line. The
/// schema `TimelineEvent` describes an event with these three.
///
/// A client that reconnects with `Last-Event-ID` receives every later event exactly once and in order. A
/// claim that is released or taken over disappears with its event: a client that has not received the event
/// by then will not receive it.
#[utoipa::path(
    get, path = "/api/jobs/{id}/logs", tag = "drops",
    params(
        ("id" = String, Path, description = "Identifier of the drop"),
        ("Last-Event-ID" = Option<String>, Header, description = "Identifier of the last event that you received; left out for the first request")),
    responses(
        (status = 200, description = "The events after `Last-Event-ID`, or all events", body = inline(TimelineStream),
            content_type = "text/event-stream"),
        (status = 204, description = "`Last-Event-ID` is the last event of a timeline that is complete"),
        AuthErrors, IdErrors, AnyErrors)
)]
pub(crate) async fn logs(
    caller: Caller,
    PathId(id): PathId<DropId>,
    _: NoParams,
    LastEventId(seen): LastEventId<EventId>,
    State(app): State<App>,
) -> Result<EventStream<TimelineEvent>, Problem> {
    let drop = app.context.store.drops().get(id).await?.ok_or(Error::NotFound)?;
    let relation = drop.relation(&caller.id).ok_or(Error::NotFound)?;
    let reader = Reader { id: &caller.id, relation, rules: &app.context.rules };
    let events = drop.timeline(seen);
    Ok(EventStream(events.map(|events| events.iter().map(|event| reader.render(&drop, event)).collect())))
}

/// The caller, their relation to the drop, and the rules.
struct Reader<'a> {
    id: &'a UserId,
    relation: Relation,
    rules: &'a Rules,
}

impl Reader<'_> {
    fn render(&self, drop: &Drop, event: &Event<'_>) -> TimelineEvent {
        let at = rfc3339(event.at);
        let what = match event.kind {
            EventKind::Created => EventBody::Created(CreatedData { at, price_cents: drop.price.get() }),
            EventKind::Opened => EventBody::Opened(OpenedData {
                at,
                window_closes_at: drop.window.map(|window| rfc3339(window.closes_at)).unwrap_or_default(),
                earliest_ranking_at: drop
                    .window
                    .map(|window| rfc3339(window.earliest_ranking_at(self.rules)))
                    .unwrap_or_default(),
                max_claims: drop.max_claims,
            }),
            EventKind::Claimed { worker, claim, nth } => EventBody::Claimed(ClaimedData {
                at,
                lease_expires_at: rfc3339(claim.lease_expires_at),
                claims_count: nth,
                yours: worker == self.id,
                worker: self.visible_id(worker),
            }),
            EventKind::Submitted { worker, nth } => EventBody::Submitted(SubmittedData {
                at,
                submissions_count: nth,
                yours: worker == self.id,
                worker: self.visible_id(worker),
            }),
            EventKind::Ranking => {
                EventBody::Ranking(RankingData { at, submissions_count: drop.submissions_count() })
            }
            EventKind::Completed(outcome) => EventBody::Completed(CompletedData {
                at,
                grade: outcome.grade.as_str(),
                winning_submission_id: SubmissionId::of(drop.id, &outcome.winner).to_string(),
            }),
            EventKind::Cancelled => EventBody::Cancelled(EndData { at }),
            EventKind::Expired => EventBody::Expired(EndData { at }),
            EventKind::Done => EventBody::Done(DoneData { at, status: drop.status.as_str() }),
        };
        TimelineEvent { id: event.id.to_string(), what }
    }

    /// The worker's user id, if this reader may know it.
    fn visible_id(&self, worker: &UserId) -> Option<String> {
        match self.relation {
            Relation::Sender => Some(worker.to_string()),
            Relation::Claimant => None,
        }
    }
}
