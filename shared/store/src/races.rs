//! Finished races of each worker. A settlement writes them.

use clorp_domain::{Error, FinishedRace, UserId};

use crate::items::keys::{RACE, user_pk};
use crate::items::race::read_race;
use crate::table::List;
use crate::{Page, Races};

const LIST: &str = "races";

impl Races<'_> {
    /// A page of a worker's finished races, newest first. One round trip, 1 read unit for each 4 KB: about
    /// eight races.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; faults.
    pub async fn page(
        self,
        worker: &UserId,
        limit: i32,
        after: Option<&str>,
    ) -> Result<Page<FinishedRace>, Error> {
        let list = List { name: LIST, pk: user_pk(worker), prefix: RACE };
        self.table.newest(list, limit, after).await?.try_map(read_race)
    }
}
