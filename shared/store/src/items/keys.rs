//! The primary key of each item, built in one place from typed ids; and the ids that can be read back from
//! keys.

use clorp_domain::api_key::KeyHash;
use clorp_domain::owner::OwnerMark;
use clorp_domain::{
    AgentId, BucketKey, DeviceHash, DropId, EntryId, IdempotencyKey, KeyId, RankingTask, RefreshId, SetupId,
    Side, TopupId, UploadId, UserCode, UserId, VerificationId, WithdrawalId,
};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::table::Key;

/// Prefix of the sort keys of postings.
pub(crate) const LEDGER: &str = "LEDGER#";
/// Prefix of the sort keys of submissions.
pub(crate) const OUTPUT: &str = "OUTPUT#";
/// Prefix of the sort keys of a drop's judgings by a model, and of the answers.
pub(crate) const JUDGING: &str = "JUDGING#";
/// Prefix of the sort keys of appeals.
pub(crate) const APPEAL: &str = "APPEAL#";
/// Sort key of a verdict. The range from [`OUTPUT`] to it holds a drop's submissions and its verdict.
pub(crate) const VERDICT: &str = "VERDICT";
/// Prefix of the sort keys of a worker's active claims.
pub(crate) const WORK: &str = "WORK#";
/// Prefix of the sort keys of a worker's lapsed claims. Nothing sorts between the last of them and the first
/// of [`WORK`], so one range holds recent lapses and all active claims.
pub(crate) const LAPSED_WORK: &str = "WORK!";
/// Prefix of the sort keys of a worker's finished races.
pub(crate) const RACE: &str = "RACE#";
/// Prefix of the sort keys of agents.
pub(crate) const AGENT: &str = "AGENT#";
/// Sort key of the names that a user's agents have taken. The range from [`AGENT`] to it holds a user's
/// agents and their names.
pub(crate) const AGENT_NAMES: &str = "NAMES";
/// Prefix of the sort keys of top-ups.
pub(crate) const TOPUP: &str = "TOPUP#";
/// Prefix of the sort keys of uploads.
pub(crate) const UPLOAD: &str = "UPLOAD#";
/// Prefix of the sort keys of withdrawals.
pub(crate) const WITHDRAWAL: &str = "WITHDRAWAL#";
/// Prefix of the partition keys of API keys, before the key's hash, and of the sort keys of a user's list of
/// them.
pub(crate) const API_KEY: &str = "KEY#";
/// Prefix of the partition keys of device logins, before the device code's hash.
pub(crate) const LOGIN: &str = "LOGIN#";
/// Prefix of the sort keys of webhook events that were not applied.
pub(crate) const UNAPPLIED_EVENT: &str = "KEPT#";
/// Prefix of the partition keys of Stripe's objects.
pub(crate) const STRIPE: &str = "STRIPE#";
/// Prefix of the sort keys of winnings that wait for the end of a dispute.
pub(crate) const HELD_WINNINGS: &str = "WON#";
/// Sort key of a dispute.
pub(crate) const DISPUTE: &str = "DISPUTE";
/// Prefix of the sort keys of an operator's freezes of an account.
pub(crate) const FREEZE: &str = "FREEZE#";
/// Sort key of a user.
pub(crate) const USER: &str = "USER";
/// Sort key of a drop.
pub(crate) const DROP: &str = "DROP";

pub(crate) fn drop(id: DropId) -> Key {
    Key::new(drop_pk(id), DROP)
}

pub(crate) fn body(id: DropId) -> Key {
    Key::new(drop_pk(id), "BODY")
}

pub(crate) fn output(id: DropId, worker: &UserId) -> Key {
    Key::new(drop_pk(id), format!("{OUTPUT}{worker}"))
}

pub(crate) fn verdict(id: DropId) -> Key {
    Key::new(drop_pk(id), VERDICT)
}

/// The judging of a drop by a model, for one of the ranking's tasks.
pub(crate) fn judging(task: RankingTask) -> Key {
    Key::new(drop_pk(task.drop()), format!("{JUDGING}{}", judging_name(task)))
}

/// The model's answer about one order of the submissions.
pub(crate) fn judging_answer(task: RankingTask, order: u32) -> Key {
    Key::new(drop_pk(task.drop()), format!("{}{order:02}", judging_answers(task)))
}

/// Prefix of the sort keys of a judging's answers.
pub(crate) fn judging_answers(task: RankingTask) -> String {
    format!("{JUDGING}{}#", judging_name(task))
}

/// What the model's judgings have cost on a day, in UTC.
pub(crate) fn judging_costs(day: Date) -> Key {
    Key::new(format!("JUDGED#{day}"), "JUDGED")
}

fn judging_name(task: RankingTask) -> String {
    match task {
        RankingTask::Settle(_) => "verdict".to_owned(),
        RankingTask::Appeal(_, side) => format!("appeal-{side}"),
    }
}

pub(crate) fn appeal(drop: DropId, side: Side) -> Key {
    Key::new(drop_pk(drop), format!("{APPEAL}{side}"))
}

pub(crate) fn user(id: &UserId) -> Key {
    Key::new(user_pk(id), USER)
}

pub(crate) fn work(worker: &UserId, drop: DropId) -> Key {
    Key::new(user_pk(worker), format!("{WORK}{drop}"))
}

/// Keyed by the time of the lapse, because a worker may claim one drop, and lose the claim, more than once.
pub(crate) fn lapsed_work(worker: &UserId, at: Timestamp, drop: DropId) -> Key {
    Key::new(user_pk(worker), format!("{}#{drop}", lapsed_work_sk(at)))
}

/// A worker's finished race. Keyed by the time of its end, so that a worker's races are listed by it.
pub(crate) fn race(worker: &UserId, at: Timestamp, drop: DropId) -> Key {
    Key::new(user_pk(worker), format!("{RACE}{:013}#{drop}", at.as_millisecond()))
}

pub(crate) fn agent(owner: &UserId, id: AgentId) -> Key {
    Key::new(agents_pk(owner), format!("{AGENT}{id}"))
}

pub(crate) fn agent_names(owner: &UserId) -> Key {
    Key::new(agents_pk(owner), AGENT_NAMES)
}

pub(crate) fn api_key(hash: &KeyHash) -> Key {
    Key::new(format!("{API_KEY}{}", hash.as_str()), "KEY")
}

/// An API key's entry on its owner's list.
pub(crate) fn listed_key(owner: &UserId, id: KeyId) -> Key {
    Key::new(user_pk(owner), format!("{API_KEY}{id}"))
}

pub(crate) fn rate_limit(bucket: &BucketKey) -> Key {
    match bucket {
        BucketKey::Sessions(user, class) => Key::new(user_pk(user), format!("LIMIT#{class}")),
        // One item, so that one write takes from both.
        BucketKey::Program(user, class, _) | BucketKey::Programs(user, class) => {
            Key::new(user_pk(user), format!("LIMIT#{class}#programs"))
        }
        BucketKey::Unpaid(user) => Key::new(user_pk(user), "LIMIT#unpaid"),
        BucketKey::Login(address) => Key::new(format!("ADDRESS#{}", address.as_str()), "LIMIT#login"),
        BucketKey::Public(address) => Key::new(format!("ADDRESS#{}", address.as_str()), "LIMIT#public"),
        BucketKey::Refresh(user) => Key::new(user_pk(user), "LIMIT#refresh"),
    }
}

pub(crate) fn login(device: &DeviceHash) -> Key {
    Key::new(format!("{LOGIN}{}", device.as_str()), "LOGIN")
}

pub(crate) fn login_code(code: &UserCode) -> Key {
    Key::new(format!("LOGINCODE#{}", code.letters()), "LOGINCODE")
}

pub(crate) fn topup(user: &UserId, id: TopupId) -> Key {
    Key::new(user_pk(user), format!("{TOPUP}{id}"))
}

pub(crate) fn withdrawal(user: &UserId, id: WithdrawalId) -> Key {
    Key::new(user_pk(user), format!("{WITHDRAWAL}{id}"))
}

pub(crate) fn setup(user: &UserId, id: SetupId) -> Key {
    Key::new(user_pk(user), format!("SETUP#{id}"))
}

pub(crate) fn upload(owner: &UserId, id: UploadId) -> Key {
    Key::new(user_pk(owner), format!("{UPLOAD}{id}"))
}

pub(crate) fn verification(owner: &UserId, id: VerificationId) -> Key {
    Key::new(user_pk(owner), format!("VERIFY#{id}"))
}

/// The record of the top-up that one of Stripe's PaymentIntents has paid.
pub(crate) fn payment(intent: &str) -> Key {
    Key::new(stripe_pk(intent), "PAYMENT")
}

pub(crate) fn dispute(id: &str) -> Key {
    Key::new(stripe_pk(id), DISPUTE)
}

/// Winnings that were paid by a drop, and wait for the end of a dispute.
pub(crate) fn held_winnings(dispute: &str, drop: DropId) -> Key {
    Key::new(stripe_pk(dispute), format!("{HELD_WINNINGS}{drop}"))
}

/// The record of an operator's freeze of an account, or of its end.
pub(crate) fn freeze(user: &UserId, at: Timestamp) -> Key {
    Key::new(user_pk(user), format!("{FREEZE}{:013}", at.as_millisecond()))
}

/// A card or bank account, by which owners are recognised.
pub(crate) fn owner_mark(mark: &OwnerMark) -> Key {
    Key::new(format!("OWNER#{}", mark.as_str()), "OWNER")
}

/// A webhook event about `object` that was not applied.
pub(crate) fn unapplied_event(object: &str, event: &str) -> Key {
    Key::new(stripe_pk(object), format!("{UNAPPLIED_EVENT}{event}"))
}

/// Keyed by the idempotency key's hash: the client chooses its text, which may exceed what a primary key may
/// hold.
pub(crate) fn idempotency(caller: &UserId, key: &IdempotencyKey) -> Key {
    Key::new(format!("IDEMP#{caller}#{}", key.hash()), "IDEMP")
}

pub(crate) fn session_refresh(id: &RefreshId) -> Key {
    Key::new(format!("REFRESH#{id}"), "REFRESH")
}

pub(crate) fn stats(shard: u128) -> Key {
    Key::new(format!("STATS#{shard}"), "STATS")
}

/// A posting, in the partition of its wallet.
pub(crate) fn posting(wallet: &UserId, id: EntryId) -> Key {
    Key::new(user_pk(wallet), format!("{LEDGER}{id}"))
}

/// The first sort key of the claims that lapsed at this instant.
pub(crate) fn lapsed_work_sk(at: Timestamp) -> String {
    format!("{LAPSED_WORK}{:013}", at.as_millisecond())
}

/// Partition of a drop and all that belongs to it.
pub(crate) fn drop_pk(id: DropId) -> String {
    format!("DROP#{id}")
}

/// Partition of a user and all that belongs to them.
pub(crate) fn user_pk(id: &UserId) -> String {
    format!("USER#{id}")
}

/// Partition of a user's agents. Apart from the user's own, so that the function that changes agents can be
/// denied access to wallets.
pub(crate) fn agents_pk(owner: &UserId) -> String {
    format!("AGENTS#{owner}")
}

/// Partition of the records about one of Stripe's objects.
pub(crate) fn stripe_pk(object: &str) -> String {
    format!("{STRIPE}{object}")
}

/// The id of Stripe's object of a partition.
pub(crate) fn stripe_object_of_pk(pk: &str) -> Option<String> {
    pk.strip_prefix(STRIPE).map(str::to_owned)
}

/// The drop of a partition.
pub(crate) fn drop_of_pk(pk: &str) -> Option<DropId> {
    pk.strip_prefix("DROP#")?.parse().ok()
}

/// The ranking's task that an index entry stands for.
pub(crate) fn task_of(key: &Key) -> Option<RankingTask> {
    let drop = drop_of_pk(&key.pk)?;
    match key.sk.strip_prefix(APPEAL) {
        Some(side) => Some(RankingTask::Appeal(drop, side.parse().ok()?)),
        None => Some(RankingTask::Settle(drop)),
    }
}

/// The user of a partition.
pub(crate) fn user_of_pk(pk: &str) -> Option<UserId> {
    pk.strip_prefix("USER#")?.parse().ok()
}

/// The owner of a partition of agents.
pub(crate) fn owner_of_agents_pk(pk: &str) -> Option<UserId> {
    pk.strip_prefix("AGENTS#")?.parse().ok()
}

/// Tells whether a key is that of an agent, or of the names that a user's agents have taken.
pub(crate) fn is_agents(key: &Key) -> bool {
    owner_of_agents_pk(&key.pk).is_some()
}

#[cfg(test)]
mod tests {
    use clorp_domain::RateClass;

    use clorp_domain::Program;

    use super::*;

    const ULID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[track_caller]
    fn check(key: Key, pk: &str, sk: &str) {
        assert_eq!((key.pk.as_str(), key.sk.as_str()), (pk, sk));
    }

    fn id<T: std::str::FromStr<Err: std::fmt::Debug>>() -> T {
        ULID.parse().unwrap()
    }

    /// The stored form, which a change of the code must not change.
    #[test]
    fn each_item_has_this_key() {
        let ada: UserId = "ada".parse().unwrap();
        let hash = "0f".repeat(32);
        let at = Timestamp::from_millisecond(1_700_000_000_000).unwrap();
        let (drop_pk, user_pk, agents_pk) = (format!("DROP#{ULID}"), "USER#ada", "AGENTS#ada");
        check(drop(id()), &drop_pk, "DROP");
        check(body(id()), &drop_pk, "BODY");
        check(output(id(), &ada), &drop_pk, "OUTPUT#ada");
        check(verdict(id()), &drop_pk, "VERDICT");
        for side in Side::ALL {
            let key = appeal(id(), side);
            check(key.clone(), &drop_pk, &format!("APPEAL#{side}"));
            assert_eq!(task_of(&key), Some(RankingTask::Appeal(id(), side)));
        }
        assert_eq!(task_of(&drop(id())), Some(RankingTask::Settle(id())));
        let task = RankingTask::Appeal(id(), Side::Sender);
        check(judging(RankingTask::Settle(id())), &drop_pk, "JUDGING#verdict");
        check(judging(task), &drop_pk, "JUDGING#appeal-sender");
        check(judging_answer(task, 3), &drop_pk, "JUDGING#appeal-sender#03");
        check(judging_costs(jiff::civil::date(2026, 11, 26)), "JUDGED#2026-11-26", "JUDGED");
        check(user(&ada), user_pk, "USER");
        check(work(&ada, id()), user_pk, &format!("WORK#{ULID}"));
        check(lapsed_work(&ada, at, id()), user_pk, &format!("WORK!1700000000000#{ULID}"));
        check(race(&ada, at, id()), user_pk, &format!("RACE#1700000000000#{ULID}"));
        check(agent(&ada, id()), agents_pk, &format!("AGENT#{ULID}"));
        check(agent_names(&ada), agents_pk, "NAMES");
        check(api_key(&hash.parse().unwrap()), &format!("KEY#{hash}"), "KEY");
        check(listed_key(&ada, id()), user_pk, &format!("KEY#{ULID}"));
        check(rate_limit(&BucketKey::Sessions(ada.clone(), RateClass::Claim)), user_pk, "LIMIT#claim");
        check(rate_limit(&BucketKey::Unpaid(ada.clone())), user_pk, "LIMIT#unpaid");
        let program = BucketKey::Program(ada.clone(), RateClass::Claim, Program::Key(id()));
        for bucket in [BucketKey::Programs(ada.clone(), RateClass::Claim), program] {
            check(rate_limit(&bucket), user_pk, "LIMIT#claim#programs");
        }
        check(rate_limit(&BucketKey::Refresh(ada.clone())), user_pk, "LIMIT#refresh");
        assert_eq!(rate_limit(&BucketKey::login(None)).sk, "LIMIT#login");
        assert!(rate_limit(&BucketKey::login(None)).pk.starts_with("ADDRESS#"));
        check(login(&hash.parse().unwrap()), &format!("LOGIN#{hash}"), "LOGIN");
        check(login_code(&"WDJB-MJHT".parse().unwrap()), "LOGINCODE#WDJBMJHT", "LOGINCODE");
        check(topup(&ada, id()), user_pk, &format!("TOPUP#{ULID}"));
        check(withdrawal(&ada, id()), user_pk, &format!("WITHDRAWAL#{ULID}"));
        check(setup(&ada, id()), user_pk, &format!("SETUP#{ULID}"));
        check(upload(&ada, id()), user_pk, &format!("UPLOAD#{ULID}"));
        check(verification(&ada, id()), user_pk, &format!("VERIFY#{ULID}"));
        let mark = OwnerMark::card("abc");
        check(owner_mark(&mark), &format!("OWNER#{}", mark.as_str()), "OWNER");
        check(payment("pi_1"), "STRIPE#pi_1", "PAYMENT");
        check(dispute("dp_1"), "STRIPE#dp_1", "DISPUTE");
        check(unapplied_event("pi_1", "evt_1"), "STRIPE#pi_1", "KEPT#evt_1");
        let record = idempotency(&ada, &"k".parse().unwrap());
        assert!(record.pk.starts_with("IDEMP#ada#") && record.sk == "IDEMP", "{record:?}");
        check(session_refresh(&RefreshId::new([0x0f; 32])), &format!("REFRESH#{hash}"), "REFRESH");
        check(stats(7), "STATS#7", "STATS");
        check(posting(&ada, id()), user_pk, &format!("LEDGER#{ULID}"));
    }
}
