//! Counts for any number of keys in a bounded table: a count-min sketch of sliding windows.
//!
//! A key is counted in one cell of each row, which it shares with whatever else falls there; the least of its cells is its
//! count. So a count is never too low, whoever floods the table, and no key can be pushed out of it (attack DOS-04).
//! Where a key falls is decided by a code under a secret key, so nobody chooses whom to collide with.

use countersign_core::throttle::admit::Count;
use countersign_core::throttle::window::{Slice, Window};

/// A stranger shares all four cells with many others only where the table is overrun.
const ROWS: usize = 4;

#[derive(Debug, Clone)]
struct Cell {
    window: Window,
    /// Of the window's hits, those of which it is not known yet whether they stay.
    under_way: u32,
    /// When it was last told that a limit was hit.
    told: Option<Slice>,
}

/// Where a key is counted: its cell in each row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place([u32; ROWS]);

impl Place {
    /// One of so many bells: the same for all who ask for this place.
    pub(super) const fn bell(self, bells: usize) -> usize {
        self.0[0] as usize % bells
    }
}

/// The table. A cell takes memory while something in it counts.
#[derive(Debug)]
pub(super) struct Sketch {
    rows: [Vec<Option<Box<Cell>>>; ROWS],
    /// Cells that something counts in.
    used: usize,
}

impl Sketch {
    /// A table with so many cells in each row, a power of two.
    pub(super) fn new(columns: usize) -> Self {
        // Memory that is never touched is never taken.
        Self { rows: std::array::from_fn(|_| vec![None; columns.next_power_of_two()]), used: 0 }
    }

    /// The place of the key with this code.
    pub(super) fn place(&self, code: &[u8; 32]) -> Place {
        let (parts, _) = code.as_chunks::<8>();
        Place(std::array::from_fn(|row| {
            let part = parts.get(row).copied().unwrap_or_default();
            u32::try_from(u64::from_le_bytes(part) % self.rows[row].len() as u64).unwrap_or(0)
        }))
    }

    /// What counts for a key: never less than is true.
    pub(super) fn count(&self, place: Place, now: Slice) -> Count {
        let counts = self.cells(place).map(|cell| {
            cell.map_or((0, 0), |cell| {
                let all = cell.window.count(now);
                (all, all.saturating_sub(cell.under_way))
            })
        });
        let least = |pick: fn((u32, u32)) -> u32| counts.into_iter().map(pick).min().unwrap_or(0);
        let (all, wrong) = (least(|count| count.0), least(|count| count.1));
        Count { wrong, under_way: all - wrong }
    }

    /// After how many slices the key counts less than `limit`, if nothing else comes.
    pub(super) fn slices_until_below(&self, place: Place, limit: u32, now: Slice) -> i64 {
        let waits =
            self.cells(place).map(|cell| cell.map_or(0, |cell| cell.window.slices_until_below(limit, now)));
        waits.into_iter().min().unwrap_or(0)
    }

    /// Counts one more, of which it is not known yet whether it stays.
    pub(super) fn begin(&mut self, place: Place, now: Slice) {
        self.each(place, now, |cell| {
            cell.window.hit(now);
            cell.under_way += 1;
        });
    }

    /// One that was begun stays.
    pub(super) fn keep(&mut self, place: Place) {
        self.each_known(place, |cell| cell.under_way = cell.under_way.saturating_sub(1));
    }

    /// One that was begun then never was.
    pub(super) fn take_back(&mut self, place: Place, begun: Slice) {
        self.each_known(place, |cell| {
            cell.under_way = cell.under_way.saturating_sub(1);
            cell.window.take_back(begun);
        });
    }

    /// Whether it was not told within the window yet that this key hit its limit. It is told now.
    pub(super) fn tell(&mut self, place: Place, now: Slice) -> bool {
        let mut news = false;
        self.each(place, now, |cell| {
            if cell.told.is_none_or(|told| !told.reaches(now)) {
                cell.told = Some(now);
                news = true;
            }
        });
        news
    }

    /// Gives back the memory of what does not count any more.
    pub(super) fn prune(&mut self, now: Slice) {
        let over = |cell: &Cell| {
            let told = cell.told.is_some_and(|told| told.reaches(now));
            cell.under_way == 0 && cell.window.count(now) == 0 && !told
        };
        for cell in self.rows.iter_mut().flatten() {
            if cell.as_deref().is_some_and(over) {
                *cell = None;
                self.used -= 1;
            }
        }
    }

    /// Whether so much is counted that a key of which nothing was may well seem to have been.
    pub(super) fn is_overrun(&self) -> bool {
        self.used * 2 > self.rows.iter().map(Vec::len).sum()
    }

    fn cells(&self, place: Place) -> [Option<&Cell>; ROWS] {
        std::array::from_fn(|row| self.rows[row][place.0[row] as usize].as_deref())
    }

    fn each(&mut self, place: Place, now: Slice, mut change: impl FnMut(&mut Cell)) {
        let new = || Box::new(Cell { window: Window::new(now), under_way: 0, told: None });
        for (row, at) in self.rows.iter_mut().zip(place.0) {
            let cell = &mut row[at as usize];
            self.used += usize::from(cell.is_none());
            change(cell.get_or_insert_with(new));
        }
    }

    fn each_known(&mut self, place: Place, mut change: impl FnMut(&mut Cell)) {
        for (row, at) in self.rows.iter_mut().zip(place.0) {
            row[at as usize].as_deref_mut().into_iter().for_each(&mut change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::secret::MacKey;
    use countersign_core::throttle::window::Grid;
    use countersign_core::{Span, Time};

    const START: Time = Time::from_micros(1_700_000_000_000_000);

    fn at(after: Span) -> Slice {
        Grid::of(Span::minutes(15)).slice(START + after)
    }

    fn place(sketch: &Sketch, key: &str) -> Place {
        sketch.place(&MacKey::new(&[7; 32]).sign(key.as_bytes()))
    }

    fn wrong(sketch: &mut Sketch, key: &str, now: Slice) {
        let place = place(sketch, key);
        sketch.begin(place, now);
        sketch.keep(place);
    }

    fn count(sketch: &Sketch, key: &str, now: Slice) -> (u32, u32) {
        let count = sketch.count(place(sketch, key), now);
        (count.wrong, count.under_way)
    }

    #[test]
    fn what_is_begun_is_kept_or_taken_back() {
        let mut sketch = Sketch::new(1024);
        let (kim, now) = (place(&sketch, "kim"), at(Span::ZERO));
        sketch.begin(kim, now);
        sketch.begin(kim, now);
        assert_eq!(count(&sketch, "kim", now), (0, 2));
        sketch.keep(kim);
        assert_eq!(count(&sketch, "kim", now), (1, 1));
        sketch.take_back(kim, now);
        assert_eq!(count(&sketch, "kim", now), (1, 0));
        assert_eq!(count(&sketch, "lee", now), (0, 0));
        assert_eq!(count(&sketch, "kim", at(Span::minutes(16))), (0, 0));
    }

    #[test]
    fn dos_04_a_million_distinct_keys_push_nobody_out_and_take_bounded_memory() {
        let mut sketch = Sketch::new(1 << 12);
        for _ in 0..9 {
            wrong(&mut sketch, "victim", at(Span::ZERO));
        }
        for key in 0..1_000_000 {
            // A thousand a second.
            wrong(&mut sketch, &format!("flood {key}"), at(Span::from_micros(key * 1000 * 900 / 1_000_000)));
        }
        assert_eq!((sketch.used, sketch.is_overrun()), (ROWS << 12, true));
        assert!(count(&sketch, "victim", at(Span::minutes(15))).0 >= 9);
        assert_eq!(
            count(&sketch, "victim", at(Span::minutes(31))).0,
            0,
            "what was counted is never forgotten"
        );
        sketch.prune(at(Span::minutes(31)));
        assert_eq!((sketch.used, sketch.is_overrun()), (0, false));
    }

    #[test]
    fn dos_04_ten_thousand_others_make_nobody_suspect() {
        let mut sketch = Sketch::new(1 << 15);
        for key in 0..10_000 {
            wrong(&mut sketch, &format!("other {key}"), at(Span::ZERO));
        }
        let highest = (0..10_000).map(|key| count(&sketch, &format!("new {key}"), at(Span::ZERO)).0).max();
        assert!(highest <= Some(2), "{highest:?}");
    }

    #[test]
    fn it_is_told_once_a_window_that_a_key_hit_its_limit() {
        let mut sketch = Sketch::new(1024);
        let (kim, lee) = (place(&sketch, "kim"), place(&sketch, "lee"));
        assert!(sketch.tell(kim, at(Span::ZERO)));
        assert!(!sketch.tell(kim, at(Span::ZERO)));
        assert!(sketch.tell(lee, at(Span::ZERO)));
        sketch.prune(at(Span::minutes(5)));
        assert!(!sketch.tell(lee, at(Span::minutes(5))));
        assert!(sketch.tell(lee, at(Span::minutes(30))));
    }

    #[test]
    fn a_key_is_free_when_the_least_of_its_cells_is() {
        let mut sketch = Sketch::new(1024);
        for after in [0, 0, 0, 5, 5, 5] {
            wrong(&mut sketch, "kim", at(Span::minutes(after)));
        }
        let kim = place(&sketch, "kim");
        let slices = |limit| sketch.slices_until_below(kim, limit, at(Span::minutes(5)));
        assert_eq!((slices(7), slices(6), slices(3)), (0, 11, 16));
    }
}
