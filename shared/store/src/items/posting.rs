//! A posting: the wallet's entry, with those of the other accounts beside it.
//!
//! Every posting moves money into or out of one wallet, so one item holds all of it. A posting is written,
//! and recognised when it is repeated, as a whole.

use clorp_domain::{Account, Cents, EntryId, Error, Posting, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::items::keys;
use crate::items::keys::LEDGER;
use crate::table::item::{decode, instant, key_of, keyed, parse};
use crate::table::{Item, Key};

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct EntryItem {
    delta_cents: i64,
    reason: String,
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    escrow_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_cents: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_cents: Option<i64>,
}

/// One line of a wallet's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// The posting that the line belongs to.
    pub id: EntryId,
    /// Positive into the wallet, negative out of it.
    pub delta: Cents,
    /// The reason, as [`clorp_domain::Reason`] writes it.
    pub reason: String,
    /// The time of the posting.
    pub created_at: Timestamp,
}

/// The wallet of a posting.
///
/// # Errors
/// A fault unless the posting has the entry of exactly one wallet.
pub(crate) fn wallet_of(posting: &Posting) -> Result<&UserId, Error> {
    let mut wallets = posting.entries().iter().filter_map(|entry| match &entry.account {
        Account::User(user) => Some(user),
        Account::Escrow(_) | Account::Platform | Account::External => None,
    });
    match (wallets.next(), wallets.next()) {
        (Some(wallet), None) => Ok(wallet),
        _ => Err(Error::internal("a posting does not have exactly one wallet")),
    }
}

/// The key and the item of a posting.
pub(crate) fn write_posting(posting: &Posting) -> Result<(Key, Item), Error> {
    let key = keys::posting(wallet_of(posting)?, posting.id());
    let mut item = EntryItem {
        reason: posting.reason().to_string(),
        created_at: posting.at().as_millisecond(),
        ..EntryItem::default()
    };
    for entry in posting.entries() {
        let delta = entry.delta.get();
        match &entry.account {
            Account::User(_) => item.delta_cents = delta,
            Account::Escrow(drop) => {
                if item.drop_id.replace(drop.to_string()).is_some() {
                    return Err(Error::internal("a posting has two escrows"));
                }
                item.escrow_cents = Some(delta);
            }
            Account::Platform => item.platform_cents = Some(delta),
            Account::External => item.external_cents = Some(delta),
        }
    }
    let item = keyed(&key, &item)?;
    Ok((key, item))
}

/// The wallet's line of a posting.
pub(crate) fn read_line(item: Item) -> Result<LedgerLine, Error> {
    let key = key_of(&item)?;
    line(&key, decode(item)?)
}

/// The line of a posting's item, and the entries of the other accounts in it.
pub(crate) fn read_posting(item: Item) -> Result<(LedgerLine, Vec<(Account, Cents)>), Error> {
    let key = key_of(&item)?;
    let mut item: EntryItem = decode(item)?;
    let escrow = match (item.drop_id.take(), item.escrow_cents) {
        (Some(drop), Some(cents)) => Some((Account::Escrow(parse("drop_id", &drop)?), cents)),
        (None, None) => None,
        _ => return Err(Error::internal("a posting has an escrow without a drop, or the other way round")),
    };
    let platform = item.platform_cents.map(|cents| (Account::Platform, cents));
    let external = item.external_cents.map(|cents| (Account::External, cents));
    let others = [escrow, platform, external].into_iter().flatten();
    let others = others.map(|(account, cents)| (account, Cents::new(cents))).collect();
    Ok((line(&key, item)?, others))
}

fn line(key: &Key, item: EntryItem) -> Result<LedgerLine, Error> {
    Ok(LedgerLine {
        id: parse("ledger id", key.sk.strip_prefix(LEDGER).unwrap_or_default())?,
        delta: Cents::new(item.delta_cents),
        reason: item.reason,
        created_at: instant("created_at", item.created_at)?,
    })
}

#[cfg(test)]
mod tests {
    use clorp_domain::{DropId, Reason};

    use super::*;

    const ULID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    fn win(entries: Vec<(Account, i64)>) -> Posting {
        let drop: DropId = ULID.parse().unwrap();
        let entries = entries.into_iter().map(|(account, cents)| (account, Cents::new(cents)));
        Posting::new(ULID.parse().unwrap(), Reason::Win(drop), Timestamp::UNIX_EPOCH, entries).unwrap()
    }

    #[test]
    fn a_posting_is_read_back_with_the_entry_of_every_account() {
        let (ada, drop) = ("ada".parse().unwrap(), ULID.parse().unwrap());
        let others = [(Account::Escrow(drop), -1000), (Account::Platform, 250)];
        let posting = win([(Account::User(ada), 750)].into_iter().chain(others.clone()).collect());
        let (key, item) = write_posting(&posting).unwrap();
        assert_eq!((key.pk.as_str(), key.sk), ("USER#ada", format!("LEDGER#{ULID}")));
        let (line, read) = read_posting(item.clone()).unwrap();
        assert_eq!((line.delta, line.id), (Cents::new(750), posting.id()));
        assert_eq!(read_line(item).unwrap(), line);
        assert_eq!(read, others.map(|(account, cents)| (account, Cents::new(cents))));
    }

    #[test]
    fn a_posting_without_a_wallet_or_with_two_is_refused() {
        let user = |name: &str| Account::User(name.parse().unwrap());
        for entries in
            [vec![(Account::External, -1), (Account::Platform, 1)], vec![(user("ada"), -1), (user("bob"), 1)]]
        {
            assert!(write_posting(&win(entries)).is_err());
        }
    }
}
