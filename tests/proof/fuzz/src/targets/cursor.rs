//! Cursors of lists. The input is read as a cursor of every list, and as the position that a sound cursor
//! carries.
//!
//! A cursor is either refused or selects items that the list has. The cursors that a list issues lead to each
//! of its items exactly once.

use std::sync::LazyLock;

use clorp_context::new_ulid;
use clorp_domain::{Account, Cents, EntryId, Error, Posting, Reason, User, UserId};
use clorp_store::{BoardQuery, BoardSort, DirectorySort, Page};

use crate::support::{DATABASE, base64url, block_on};
use crate::{Shape, Target, ensure};

/// Entries of the ledger of the user who reads.
const ENTRIES: usize = 7;
/// Items of a page.
const LIMIT: i32 = 3;

pub const TARGET: Target = Target {
    name: "cursor",
    subject: "cursors of lists",
    valid,
    words: &[
        "ledger ",
        "keys ",
        "agents ",
        "drops ",
        "races ",
        "directory.wins ",
        "directory.earnings ",
        "board.closing ",
        "01JD4B6Q4N0000000000000001",
        "~",
        "#",
        "bGVkZ2VyIA",
        "=",
        "0001795512600000",
        "999999999999999999999999999999",
    ],
    check,
    shapes: &[
        Shape { name: "a long cursor", make: |bytes| vec![b'A'; bytes], most: 1 << 20 },
        Shape { name: "a cursor that is none", make: |bytes| vec![b'='; bytes], most: 1 << 20 },
    ],
};

/// A user with a ledger of several pages.
static READER: LazyLock<UserId> = LazyLock::new(|| {
    let id: UserId = "reader".parse().expect("an id");
    block_on(async {
        let (store, now) = (&DATABASE.context.store, DATABASE.context.clock.now());
        let _ = store.users().create(&User::new(id.clone(), "Reader", None, now)).await.expect("a user");
        for at in 0..ENTRIES {
            let (entry, to) = (EntryId::new(new_ulid(now)), Account::User(id.clone()));
            let reason = Reason::Topup(format!("cs_reader_{at}"));
            let given = Posting::transfer(entry, reason, now, Account::External, to, Cents::new(1));
            store.ledger().post(&given.expect("balanced")).await.expect("an entry");
        }
    });
    id
});

fn valid() -> Vec<Vec<u8>> {
    let page = ledger(None).expect("a page").expect("the first page");
    let issued = page.next.expect("a second page").into_bytes();
    let made =
        ["keys 01JD4B6Q4N0000000000000001", "directory.wins 12345", "board.closing 0001795512600000#X"];
    made.iter().map(|position| base64url(position.as_bytes()).into_bytes()).chain([issued]).collect()
}

/// A page; `None` if the cursor is refused.
fn page<T>(found: Result<Page<T>, Error>) -> Result<Option<Page<T>>, String> {
    match found {
        Ok(page) => {
            ensure(page.items.len() <= LIMIT as usize, || "a long page".to_owned())?;
            Ok(Some(page))
        }
        Err(Error::Invalid(refused)) if refused.field == "cursor" => Ok(None),
        Err(error) => Err(format!("unexpected: {error:?}")),
    }
}

fn ledger(after: Option<&str>) -> Result<Option<Page<i64>>, String> {
    let found = block_on(DATABASE.context.store.ledger().page(&READER, LIMIT, after));
    Ok(page(found)?.map(|page| page.map(|line| line.delta.get())))
}

fn read_all(after: &str) -> Result<(), String> {
    let (store, reader) = (&DATABASE.context.store, &*READER);
    let after = Some(after);
    // Money was only ever put in, one cent each time.
    let entries = ledger(after)?.map_or(0, |page| page.items.iter().filter(|delta| **delta == 1).count());
    ensure(entries <= LIMIT as usize, || "foreign entries".to_owned())?;
    page(block_on(store.api_keys().page(reader, LIMIT, after)))?;
    page(block_on(store.agents().page(reader, LIMIT, after)))?;
    page(block_on(store.races().page(reader, LIMIT, after)))?;
    page(block_on(store.drops().by_sender(reader, None, LIMIT, after)))?;
    page(block_on(store.feed().page(None, LIMIT, after)))?;
    page(block_on(store.directory().page(DirectorySort::Wins, LIMIT, after)))?;
    let query = |sort| BoardQuery {
        sort,
        pack: None,
        min_price: None,
        standing: None,
        limit: LIMIT,
        after,
        now: DATABASE.context.clock.now(),
    };
    for sort in [BoardSort::Closing, BoardSort::Newest, BoardSort::Price] {
        page(block_on(store.board().page(query(sort))))?;
    }
    Ok(())
}

/// Follows the cursors from the first page to the last.
fn follow() -> Result<usize, String> {
    let (mut read, mut after) = (0, None);
    for _ in 0..=ENTRIES {
        let page = ledger(after.as_deref())?.ok_or("refused its own cursor")?;
        read += page.items.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(read)
}

fn check(input: &[u8]) -> Result<(), String> {
    static FOLLOWED: LazyLock<Result<usize, String>> = LazyLock::new(follow);
    let read = FOLLOWED.clone()?;
    ensure(read == ENTRIES, || format!("the cursors lead to {read} of {ENTRIES} entries"))?;
    let text = String::from_utf8_lossy(input);
    read_all(&text)?;
    let lists = [
        "ledger",
        "keys",
        "agents",
        "races",
        "drops",
        "feed",
        "directory.wins",
        "board.closing",
        "board.newest",
    ];
    let list = lists[input.len() % lists.len()];
    read_all(&base64url(format!("{list} {text}").as_bytes()))
}
