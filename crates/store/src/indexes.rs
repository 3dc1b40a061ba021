//! Indexes of status lists: leased in blocks, handed out shuffled, none ever used again (design section 5).
//!
//! Shuffled, since neighbours in a list would tell who logged in one after the other. What is left of a block when the
//! process ends, or when the list would end too soon, is lost.

use countersign_core::audit::{Actor, Event, Kind, Stamp};
use countersign_core::revocation::{BLOCK_SIZE, LIST_SIZE, ListId, StatusIndex};
use countersign_core::{Random, Span, Time};
use tokio::sync::Mutex;

use crate::db::{Error, Result};
use crate::store::Outcome;
use crate::{Batch, Store, columns};

const OPEN_LIST: &str = "
SELECT id, next_index
  FROM status_lists
 WHERE next_index <= $1
   AND ends_at > $2
 ORDER BY created_at DESC, id
 LIMIT 1";

const NEW_LIST: &str = "
INSERT INTO status_lists (id, next_index, created_at, ends_at)
VALUES ($1, $2, $3, $4)";

const LEASE: &str = "
UPDATE status_lists
   SET next_index = $1,
       ends_at = CASE WHEN ends_at > $2 THEN ends_at ELSE $2 END
 WHERE id = $3
   AND next_index = $4";

pub(crate) const STATEMENTS: &[&str] = &[OPEN_LIST, NEW_LIST, LEASE];

/// A block is used for so long at most: its list stands for so much longer than the longest life.
const BLOCK_LIFE: Span = Span::days(1);

/// Other nodes that may be first with the same block, one after the other.
const TRIES: u32 = 16;

/// The block in use.
#[derive(Debug, Default)]
pub(crate) struct Indexes(Mutex<Option<Block>>);

#[derive(Debug)]
struct Block {
    list: ListId,
    free: Vec<u32>,
    ends_at: Time,
}

impl Block {
    /// An index for something that may live until `end`.
    fn take(&mut self, end: Time) -> Option<StatusIndex> {
        if end > self.ends_at {
            return None;
        }
        self.free.pop().map(|index| StatusIndex { list: self.list, index })
    }
}

impl Store {
    /// An index for a new session or grant, which will live for `longest_life` at most. It is nobody else's, ever, and
    /// its bit is clear. Callers that come while a block is leased wait for it.
    pub async fn lease_index(&self, longest_life: Span, stamp: &Stamp<'_>) -> Result<StatusIndex> {
        let mut block = self.indexes.0.lock().await;
        let end = stamp.at + longest_life;
        if let Some(index) = block.as_mut().and_then(|block| block.take(end)) {
            return Ok(index);
        }
        let index = block.insert(self.lease(end + BLOCK_LIFE, stamp).await?).take(end);
        index.ok_or_else(|| Error::Unavailable("a block of a status list was empty".to_owned()))
    }

    async fn lease(&self, ends_at: Time, stamp: &Stamp<'_>) -> Result<Block> {
        for _ in 0..TRIES {
            let (list, first, batch) = self.next_block(ends_at, stamp).await?;
            if self.apply(batch).await? == Outcome::Applied {
                // Known to the check before its first index is handed out.
                self.live.open_list(list, ends_at);
                return Ok(Block { list, free: shuffled(first, stamp.random), ends_at });
            }
        }
        Err(Error::Unavailable("other nodes took every block of a status list".to_owned()))
    }

    async fn next_block(&self, ends_at: Time, stamp: &Stamp<'_>) -> Result<(ListId, u32, Batch)> {
        let fullest = i64::from(LIST_SIZE - BLOCK_SIZE);
        let rows = self.db.read(OPEN_LIST, &[fullest.into(), stamp.at.micros().into()]).await?;
        let Some(row) = rows.first() else {
            let list = ListId::new(stamp.random);
            let values = vec![
                list.bytes().into(),
                i64::from(BLOCK_SIZE).into(),
                stamp.at.micros().into(),
                ends_at.micros().into(),
            ];
            return Ok((list, 0, leased(list, 0, stamp).exactly(1, NEW_LIST, values)));
        };
        let list = ListId::from_bytes(row.array(0)?);
        let first = columns::count(row, 1)?;
        let values = vec![
            i64::from(first + BLOCK_SIZE).into(),
            ends_at.micros().into(),
            list.bytes().into(),
            i64::from(first).into(),
        ];
        Ok((list, first, leased(list, first, stamp).exactly(1, LEASE, values)))
    }
}

/// Whoever's login needs the block: taking it is the server's own doing.
fn leased(list: ListId, first: u32, stamp: &Stamp<'_>) -> Batch {
    let stamp = Stamp { actor: Actor::System, ip: None, request: None, ..*stamp };
    let event = Event::new(Kind::StatusBlockLeased).detail("list", list.to_string());
    Batch::new(&stamp, event.detail("first", first.to_string()))
}

/// The block's indexes in random order (Fisher-Yates).
fn shuffled(first: u32, random: &dyn Random) -> Vec<u32> {
    let mut block: Vec<u32> = (first..first + BLOCK_SIZE).collect();
    let mut dice = vec![0; block.len() * size_of::<u64>()];
    random.fill(&mut dice);
    for (last, die) in dice.as_chunks().0.iter().enumerate().skip(1) {
        // 64 bits over at most 256 places: no bias worth naming.
        let places = last as u64 + 1;
        let place = usize::try_from(u64::from_be_bytes(*die) % places).unwrap_or(last);
        block.swap(last, place);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::random::Counter;

    #[test]
    fn a_shuffled_block_is_the_same_block_in_another_order() {
        let block = shuffled(512, &Counter::new(1));
        let mut sorted = block.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (512..768).collect::<Vec<_>>());
        assert_ne!(block, sorted);
        assert_ne!(block, shuffled(512, &Counter::new(99)));
    }

    #[test]
    fn a_block_gives_nothing_to_what_may_outlive_its_list() {
        let ends_at = Time::from_micros(10);
        let mut block = Block { list: ListId::from_bytes([1; 16]), free: vec![7], ends_at };
        assert_eq!(block.take(ends_at + Span::from_micros(1)), None);
        assert_eq!(block.take(ends_at).map(|index| index.index), Some(7));
        assert_eq!(block.take(ends_at), None);
    }
}
