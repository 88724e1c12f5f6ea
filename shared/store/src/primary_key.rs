//! Primary keys. Each is built in exactly one place, from typed ids.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use clorp_domain::api_key::KeyHash;
use clorp_domain::{
    Account, AgentId, BucketKey, DeviceHash, DropId, EntryId, IdempotencyKey, KeyId, RefreshId, SetupId,
    TopupId, UploadId, UserCode, UserId, VerificationId, WithdrawalId,
};
use jiff::Timestamp;

use crate::item::Item;

pub(crate) const PK: &str = "pk";
pub(crate) const SK: &str = "sk";

/// Prefix of the sort keys of ledger entries.
pub(crate) const LEDGER: &str = "LEDGER#";
/// Prefix of the sort keys of submission bodies.
pub(crate) const OUTPUT: &str = "OUTPUT#";
/// Sort key of a verdict; with [`OUTPUT`] it bounds the range that holds all that was judged.
pub(crate) const VERDICT: &str = "VERDICT";
/// Prefix of the sort keys of a worker's active claims.
pub(crate) const WORK: &str = "WORK#";
/// Prefix of the sort keys of a worker's lapsed claims. Nothing sorts between the last of them and the first of
/// [`WORK`], so that one range holds those of late and all active claims.
pub(crate) const LAPSED_WORK: &str = "WORK!";

/// Prefix of the sort keys of agents.
pub(crate) const AGENT: &str = "AGENT#";
/// Prefix of the sort keys of top-ups.
pub(crate) const TOPUP: &str = "TOPUP#";
/// Prefix of the sort keys of uploads.
pub(crate) const UPLOAD: &str = "UPLOAD#";
/// Prefix of the sort keys of withdrawals.
pub(crate) const WITHDRAWAL: &str = "WITHDRAWAL#";
/// Prefix of the partition keys of API keys, before the key's hash, and of the sort keys of a user's list of them.
pub(crate) const API_KEY: &str = "KEY#";
/// Prefix of the partition keys of programs' logins, before the device code's hash.
pub(crate) const LOGIN: &str = "LOGIN#";
/// Prefix of the sort keys of Stripe's reports that were kept.
pub(crate) const UNAPPLIED_EVENT: &str = "KEPT#";

/// Items without a natural spread are divided over this many keys, so that no single item or partition is in
/// everybody's transaction.
pub(crate) const SHARDS: u128 = 8;

/// A primary key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(crate) fn drop(id: DropId) -> Self {
        Self::new(drop_pk(id), "DROP")
    }

    pub(crate) fn body(id: DropId) -> Self {
        Self::new(drop_pk(id), "BODY")
    }

    pub(crate) fn output(id: DropId, worker: &UserId) -> Self {
        Self::new(drop_pk(id), format!("{OUTPUT}{worker}"))
    }

    pub(crate) fn verdict(id: DropId) -> Self {
        Self::new(drop_pk(id), VERDICT)
    }

    pub(crate) fn user(id: &UserId) -> Self {
        Self::new(user_pk(id), "USER")
    }

    pub(crate) fn work(worker: &UserId, drop: DropId) -> Self {
        Self::new(user_pk(worker), format!("{WORK}{drop}"))
    }

    /// By when the claim lapsed: a worker may hold a claim on one drop, and lose it, again and again.
    pub(crate) fn lapsed_work(worker: &UserId, at: Timestamp, drop: DropId) -> Self {
        Self::new(user_pk(worker), format!("{}#{drop}", lapsed_work_sk(at)))
    }

    pub(crate) fn agent(owner: &UserId, id: AgentId) -> Self {
        Self::new(agents_pk(owner), format!("{AGENT}{id}"))
    }

    /// Which names a user's agents have taken.
    pub(crate) fn agent_names(owner: &UserId) -> Self {
        Self::new(agents_pk(owner), "NAMES")
    }

    pub(crate) fn is_agents(&self) -> bool {
        agents_owner(&self.pk).is_some()
    }

    pub(crate) fn api_key(hash: &KeyHash) -> Self {
        Self::new(format!("{API_KEY}{}", hash.as_str()), "KEY")
    }

    /// A key's entry on its owner's list.
    pub(crate) fn listed_key(owner: &UserId, id: KeyId) -> Self {
        Self::new(user_pk(owner), format!("{API_KEY}{id}"))
    }

    pub(crate) fn limit(bucket: &BucketKey) -> Self {
        match bucket {
            BucketKey::User(user, class) => Self::new(user_pk(user), format!("LIMIT#{class}")),
            BucketKey::Login(address) => Self::new(format!("ADDRESS#{}", address.as_str()), "LIMIT#login"),
        }
    }

    pub(crate) fn login(device: &DeviceHash) -> Self {
        Self::new(format!("{LOGIN}{}", device.as_str()), "LOGIN")
    }

    /// Where to find a login by its user code.
    pub(crate) fn login_code(code: &UserCode) -> Self {
        Self::new(format!("LOGINCODE#{}", code.letters()), "LOGINCODE")
    }

    pub(crate) fn topup(user: &UserId, id: TopupId) -> Self {
        Self::new(user_pk(user), format!("{TOPUP}{id}"))
    }

    pub(crate) fn withdrawal(user: &UserId, id: WithdrawalId) -> Self {
        Self::new(user_pk(user), format!("{WITHDRAWAL}{id}"))
    }

    pub(crate) fn setup(user: &UserId, id: SetupId) -> Self {
        Self::new(user_pk(user), format!("SETUP#{id}"))
    }

    pub(crate) fn upload(owner: &UserId, id: UploadId) -> Self {
        Self::new(user_pk(owner), format!("{UPLOAD}{id}"))
    }

    pub(crate) fn verification(owner: &UserId, id: VerificationId) -> Self {
        Self::new(user_pk(owner), format!("VERIFY#{id}"))
    }

    /// Which top-up one of Stripe's PaymentIntents has paid.
    pub(crate) fn payment(intent: &str) -> Self {
        Self::new(stripe_pk(intent), "PAYMENT")
    }

    pub(crate) fn dispute(id: &str) -> Self {
        Self::new(stripe_pk(id), "DISPUTE")
    }

    /// A report of Stripe's about `object` that could not be acted on.
    pub(crate) fn unapplied_event(object: &str, event: &str) -> Self {
        Self::new(stripe_pk(object), format!("{UNAPPLIED_EVENT}{event}"))
    }

    /// By the key's hash: a caller's text is neither limited to what a key may hold nor ours to keep.
    pub(crate) fn idempotency(caller: &UserId, key: &IdempotencyKey) -> Self {
        Self::new(format!("IDEMP#{caller}#{}", key.hash()), "IDEMP")
    }

    pub(crate) fn refresh(id: &RefreshId) -> Self {
        Self::new(format!("REFRESH#{id}"), "REFRESH")
    }

    pub(crate) fn stats(shard: u128) -> Self {
        Self::new(format!("STATS#{shard}"), "STATS")
    }

    /// An account's side of a posting lives with the account.
    pub(crate) fn entry(account: &Account, posting: EntryId) -> Self {
        let shard = posting.ulid().random() % SHARDS;
        let pk = match account {
            Account::User(id) => user_pk(id),
            Account::Escrow(id) => drop_pk(*id),
            Account::Platform => format!("PLATFORM#{shard}"),
            Account::External => format!("EXTERNAL#{shard}"),
        };
        Self::new(pk, format!("{LEDGER}{posting}"))
    }

    /// The account that an entry's partition belongs to.
    pub(crate) fn account_of(pk: &str) -> Option<Account> {
        let (kind, id) = pk.split_once('#')?;
        match kind {
            "USER" => id.parse().ok().map(Account::User),
            "DROP" => id.parse().ok().map(Account::Escrow),
            "PLATFORM" => Some(Account::Platform),
            "EXTERNAL" => Some(Account::External),
            _ => None,
        }
    }

    pub(crate) fn of_item(item: &Item) -> Option<Self> {
        let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        Some(Self { pk: text(PK)?, sk: text(SK)? })
    }

    pub(crate) fn into_attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk)),
            (SK.to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// Where the sort keys of the claims begin that lapsed at this instant.
pub(crate) fn lapsed_work_sk(at: Timestamp) -> String {
    format!("{LAPSED_WORK}{:013}", at.as_millisecond())
}

/// Partition of a drop and all that belongs to it.
pub(crate) fn drop_pk(id: DropId) -> String {
    format!("DROP#{id}")
}

/// The drop whose partition this is.
pub(crate) fn drop_of_pk(pk: &str) -> Option<DropId> {
    pk.strip_prefix("DROP#")?.parse().ok()
}

/// Partition of what is known of one of Stripe's objects.
pub(crate) fn stripe_pk(object: &str) -> String {
    format!("STRIPE#{object}")
}

/// Partition of a user's agents. Not the user's own, so that the function that changes agents can be kept from wallets.
pub(crate) fn agents_pk(owner: &UserId) -> String {
    format!("AGENTS#{owner}")
}

/// The user whose agents' partition this is.
pub(crate) fn agents_owner(pk: &str) -> Option<UserId> {
    pk.strip_prefix("AGENTS#")?.parse().ok()
}

/// The user whose partition this is.
pub(crate) fn user_of_pk(pk: &str) -> Option<UserId> {
    pk.strip_prefix("USER#")?.parse().ok()
}

/// Partition of a user and all that belongs to them.
pub(crate) fn user_pk(id: &UserId) -> String {
    format!("USER#{id}")
}
