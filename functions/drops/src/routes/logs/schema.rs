//! Schema of a timeline's events: one for each kind, told apart by `event`.
//!
//! Written out instead of derived, because generators of typed clients need objects with names and all their
//! properties. A derived schema of nested types is a combination that several of them reject.

use utoipa::openapi::{Discriminator, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::{
    ClaimedData, CompletedData, CreatedData, DoneData, EndData, OpenedData, RankingData, SubmittedData,
    TimelineEvent,
};

type Named = (String, RefOr<Schema>);

/// A kind of event.
struct Kind {
    /// Value of `event`.
    word: &'static str,
    about: &'static str,
    /// Schema of `data`, and the schemas that it refers to.
    data: Vec<Named>,
}

fn kinds() -> [Kind; 9] {
    [
        Kind::new::<CreatedData>("created", "The drop was posted."),
        Kind::new::<OpenedData>("opened", "The drop was paid, and appeared on the board."),
        Kind::new::<ClaimedData>("claimed", "A worker claimed a slot, and still holds it."),
        Kind::new::<SubmittedData>("submitted", "A worker submitted their output."),
        Kind::new::<RankingData>("ranking", "The window closed, and the judge started."),
        Kind::new::<CompletedData>("completed", "The drop was judged, and the winner was paid."),
        Kind::new::<EndData>("cancelled", "The sender cancelled the drop; a paid price was refunded."),
        Kind::new::<EndData>("expired", "The window closed without a submission; the price was refunded."),
        Kind::new::<DoneData>("done", "The timeline is complete: no more events follow."),
    ]
}

impl Kind {
    fn new<D: ToSchema>(word: &'static str, about: &'static str) -> Self {
        let mut data = vec![(D::name().into_owned(), D::schema())];
        D::schemas(&mut data);
        Self { word, about, data }
    }

    /// Name of the schema, such as `CreatedEvent`.
    fn name(&self) -> String {
        let (first, rest) = self.word.split_at(1);
        format!("{}{rest}Event", first.to_uppercase())
    }

    fn schema(&self) -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let id = "Identifier of the event. It never changes, and sorts byte by byte after the identifier of every \
                  earlier event.";
        let data = self.data.first().map(|(name, _)| Ref::from_schema_name(name)).unwrap_or_default();
        let event = ObjectBuilder::new()
            .description(Some(self.about))
            .property("id", text().description(Some(id)))
            .required("id")
            .property("event", text().description(Some("Name of the event.")).enum_values(Some([self.word])))
            .required("event")
            .property("data", data)
            .required("data");
        RefOr::T(event.into())
    }
}

impl PartialSchema for TimelineEvent {
    fn schema() -> RefOr<Schema> {
        let kinds = kinds().map(|kind| (kind.word, kind.name()));
        let mapping = kinds.iter().map(|(word, name)| (*word, format!("#/components/schemas/{name}")));
        let about = "One event of a drop's timeline. In the stream, `id` and `event` are fields of the server-sent \
                     event, and `data` is JSON on one line.";
        let one = OneOfBuilder::new()
            .description(Some(about))
            .discriminator(Some(Discriminator::with_mapping("event", mapping)));
        RefOr::T(kinds.iter().fold(one, |one, (_, name)| one.item(Ref::from_schema_name(name))).into())
    }
}

impl ToSchema for TimelineEvent {
    fn schemas(schemas: &mut Vec<Named>) {
        for kind in kinds() {
            schemas.push((kind.name(), kind.schema()));
            schemas.extend(kind.data);
        }
    }
}
