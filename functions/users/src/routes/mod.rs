//! One endpoint a file.

pub(crate) mod get;
pub(crate) mod status;
pub(crate) mod whoami;

use clorp_domain::{Error, User};
use clorp_http::Caller;
use clorp_service::Service;

/// The caller's account.
async fn account(service: &Service, caller: &Caller) -> Result<User, Error> {
    let user = service.store.user(&caller.id).await?;
    user.ok_or_else(|| Error::internal("a key's owner does not exist"))
}
