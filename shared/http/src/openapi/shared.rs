//! Error responses as components, so that the document says each of them once.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{Components, OpenApi, Ref, RefOr, Response};

use super::{
    AnyErrors, AuthErrors, BodyErrors, ConflictErrors, FundsErrors, IdErrors, PaymentErrors, RoleErrors,
    operations_mut,
};

/// Kinds of error responses: the component's name, the status, and errors whose response of that status it
/// describes.
fn kinds() -> [(&'static str, &'static str, BTreeMap<String, RefOr<Response>>); 12] {
    [
        ("BadRequest", "400", AnyErrors::responses()),
        ("Unauthenticated", "401", AuthErrors::responses()),
        ("InsufficientBalance", "402", FundsErrors::responses()),
        ("PaymentRequired", "402", PaymentErrors::responses()),
        ("Forbidden", "403", RoleErrors::responses()),
        ("NotFound", "404", IdErrors::responses()),
        ("Conflict", "409", ConflictErrors::responses()),
        ("PayloadTooLarge", "413", BodyErrors::responses()),
        ("UnsupportedMediaType", "415", BodyErrors::responses()),
        ("TooManyRequests", "429", AuthErrors::responses()),
        ("Internal", "500", AnyErrors::responses()),
        ("Unavailable", "503", AnyErrors::responses()),
    ]
}

/// Replaces each error response of each operation by a reference to the component of its kind. The reference
/// carries the operation's own description where that says more. A component names the headers of all its
/// operations.
pub(super) fn share_errors(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(Components::new);
    for (name, status, mut described) in kinds() {
        if let Some(RefOr::T(response)) = described.remove(status) {
            components.responses.insert(name.to_owned(), RefOr::T(response));
        }
    }
    let statuses: Vec<_> = kinds().map(|(name, status, _)| (name, status)).into();
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations_mut(item) {
            for (status, response) in &mut operation.responses.responses {
                let named = statuses.iter().filter(|(_, of)| of == status);
                for (name, _) in named {
                    if let Some(RefOr::T(shared)) = components.responses.get_mut(*name) {
                        share(name, shared, response);
                    }
                }
            }
        }
    }
}

/// Replaces `response` by a reference to the component if their bodies are the same.
fn share(name: &str, component: &mut Response, response: &mut RefOr<Response>) {
    let RefOr::T(own) = response else { return };
    if own.content != component.content {
        return;
    }
    for (header, described) in std::mem::take(&mut own.headers) {
        component.headers.entry(header).or_insert(described);
    }
    let mut reference = Ref::new(format!("#/components/responses/{name}"));
    if own.description != component.description {
        reference.description = std::mem::take(&mut own.description);
    }
    *response = RefOr::Ref(reference);
}
