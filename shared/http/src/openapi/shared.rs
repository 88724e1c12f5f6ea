//! Error responses as components, so that the document says each of them once.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{Components, OpenApi, Ref, RefOr, Response};

use super::{
    AnyErrors, AuthErrors, BodyErrors, ClaimRoleErrors, ConflictErrors, FundsErrors, IdErrors, PaymentErrors,
    RoleErrors, operations_mut,
};

/// A kind of error response.
struct Kind {
    /// Name of the component.
    name: &'static str,
    status: &'static str,
    /// The component, which collects the headers of all responses of its kind.
    response: Response,
}

/// Every kind. Each takes its description from errors that have a response of its status.
fn kinds() -> Vec<Kind> {
    let described = [
        ("BadRequest", "400", AnyErrors::responses()),
        ("Unauthenticated", "401", AuthErrors::responses()),
        ("InsufficientBalance", "402", FundsErrors::responses()),
        ("PaymentRequired", "402", PaymentErrors::responses()),
        ("Forbidden", "403", RoleErrors::responses()),
        ("ClaimForbidden", "403", ClaimRoleErrors::responses()),
        ("NotFound", "404", IdErrors::responses()),
        ("Conflict", "409", ConflictErrors::responses()),
        ("PayloadTooLarge", "413", BodyErrors::responses()),
        ("UnsupportedMediaType", "415", BodyErrors::responses()),
        ("TooManyRequests", "429", AuthErrors::responses()),
        ("Internal", "500", AnyErrors::responses()),
        ("Unavailable", "503", AnyErrors::responses()),
    ];
    let kind =
        |(name, status, mut responses): (_, &'static str, BTreeMap<String, RefOr<Response>>)| match responses
            .remove(status)
        {
            Some(RefOr::T(response)) => Some(Kind { name, status, response }),
            _ => None,
        };
    described.into_iter().filter_map(kind).collect()
}

/// Replaces each error response of each operation by a reference to the component of its kind.
pub(super) fn share_errors(document: &mut OpenApi) {
    let mut kinds = kinds();
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations_mut(item) {
            for (status, response) in &mut operation.responses.responses {
                kinds.iter_mut().filter(|kind| kind.status == status).for_each(|kind| kind.share(response));
            }
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    components.responses.extend(kinds.into_iter().map(|kind| (kind.name.to_owned(), kind.response.into())));
}

impl Kind {
    /// Replaces `response` by a reference to the component if their bodies are the same. The reference
    /// carries the operation's own description where that says something else.
    fn share(&mut self, response: &mut RefOr<Response>) {
        let RefOr::T(own) = response else { return };
        if own.content != self.response.content {
            return;
        }
        for (header, described) in std::mem::take(&mut own.headers) {
            self.response.headers.entry(header).or_insert(described);
        }
        let mut reference = Ref::new(format!("#/components/responses/{}", self.name));
        if own.description != self.response.description {
            reference.description = std::mem::take(&mut own.description);
        }
        *response = RefOr::Ref(reference);
    }
}
