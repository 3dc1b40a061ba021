//! A disk that breaks when it is told to: under SQLite, between its own code and the operating system's files.
//!
//! What was synced is remembered apart from what was only written, so that a power cut can be played: the synced bytes
//! stay, and of each later write nothing, all or a torn part.

mod shim;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::dice::Dice;

pub(crate) use self::shim::install;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// ENOSPC: no write has room.
    Full,
    /// EIO: a write stops halfway.
    Write,
    /// fsync fails, and what was written is not on the disk.
    Sync,
    /// The file system went read-only.
    ReadOnly,
    /// Nothing reaches the disk any more.
    Power,
}

/// The faults that go away by themselves.
pub(crate) const PASSING: [Fault; 4] = [Fault::Full, Fault::Write, Fault::Sync, Fault::ReadOnly];

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    /// The first half is written.
    Torn,
    Fail(Fault),
}

/// One file's bytes on the disk, and what was written since they were synced.
#[derive(Debug, Default)]
struct Shadow {
    synced: Vec<u8>,
    pending: Vec<Change>,
    handles: usize,
}

#[derive(Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// The disk of this process.
struct Disk {
    fault: Fault,
    failed: usize,
    /// The power goes after so many calls.
    cut: Option<(usize, Dice)>,
    after_cut: Option<Cut>,
    files: BTreeMap<PathBuf, Shadow>,
    handles: BTreeMap<usize, PathBuf>,
}

static DISK: Mutex<Disk> = Mutex::new(Disk::new());

/// Breaks the disk, or mends it. Returns how many calls failed since it was broken last.
pub(crate) fn set(fault: Fault) -> usize {
    let mut disk = DISK.lock();
    disk.fault = fault;
    std::mem::take(&mut disk.failed)
}

/// What a restart finds after a power cut.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    /// The bytes of each file.
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
    /// Writes that were lost or torn.
    pub(crate) lost: usize,
}

/// Cuts the power at one moment for all files, after so many more writes and syncs: nothing is written from then on.
pub(crate) fn cut_after(calls: usize, dice: Dice) {
    DISK.lock().cut = Some((calls, dice));
}

/// The cut, once it has come; at the latest now.
pub(crate) fn cut(now: bool) -> Option<Cut> {
    let mut disk = DISK.lock();
    if now && disk.fault != Fault::Power {
        disk.cut_power();
    }
    disk.after_cut.take()
}

/// Forgets all files and mends the disk: nobody has one open any more.
pub(crate) fn reset() {
    *DISK.lock() = Disk::new();
}

impl Disk {
    const fn new() -> Self {
        Self {
            fault: Fault::None,
            failed: 0,
            cut: None,
            after_cut: None,
            files: BTreeMap::new(),
            handles: BTreeMap::new(),
        }
    }

    /// One more call: the power may go now.
    fn tick(&mut self) {
        let Some((calls, _)) = &mut self.cut else { return };
        if let Some(left) = calls.checked_sub(1) {
            *calls = left;
        } else {
            self.cut_power();
        }
    }

    fn cut_power(&mut self) {
        let (_, mut dice) = self.cut.take().unwrap_or((0, Dice::new(0, 0)));
        let mut cut = Cut::default();
        for (path, shadow) in &self.files {
            cut.files.insert(path.clone(), shadow.after_cut(&mut dice, &mut cut.lost));
        }
        (self.fault, self.after_cut) = (Fault::Power, Some(cut));
    }

    /// Whether a file may be opened.
    fn may_open(&mut self, writes: bool) -> Verdict {
        match self.fault {
            Fault::ReadOnly | Fault::Power if writes => self.fail(),
            _ => Verdict::Pass,
        }
    }

    fn opened(&mut self, handle: usize, path: &Path) {
        let shadow = self.files.entry(path.to_owned()).or_default();
        if shadow.handles == 0 {
            // What lies there was there before anybody wrote.
            *shadow = Shadow { synced: std::fs::read(path).unwrap_or_default(), ..Shadow::default() };
        }
        shadow.handles += 1;
        self.handles.insert(handle, path.to_owned());
    }

    fn closed(&mut self, handle: usize) {
        let shadow = self.handles.remove(&handle).and_then(|path| self.files.get_mut(&path));
        if let Some(shadow) = shadow {
            shadow.handles = shadow.handles.saturating_sub(1);
        }
    }

    fn change(&mut self, handle: usize, change: Change) -> Verdict {
        self.tick();
        match self.fault {
            Fault::None | Fault::Sync => {}
            Fault::Full | Fault::Power | Fault::ReadOnly => return self.fail(),
            Fault::Write => {
                self.failed += 1;
                return Verdict::Torn;
            }
        }
        if let Some(shadow) = self.shadow(handle) {
            shadow.pending.push(change);
        }
        Verdict::Pass
    }

    fn may_sync(&mut self) -> Verdict {
        self.tick();
        match self.fault {
            Fault::None => Verdict::Pass,
            _ => self.fail(),
        }
    }

    fn synced(&mut self, handle: usize) -> Verdict {
        // The power may have gone while the operating system was at it.
        let verdict = self.may_sync();
        if let (Verdict::Pass, Some(shadow)) = (verdict, self.shadow(handle)) {
            for change in std::mem::take(&mut shadow.pending) {
                change.apply(&mut shadow.synced, None);
            }
        }
        verdict
    }

    fn fail(&mut self) -> Verdict {
        self.failed += 1;
        Verdict::Fail(self.fault)
    }

    fn shadow(&mut self, handle: usize) -> Option<&mut Shadow> {
        self.files.get_mut(self.handles.get(&handle)?)
    }
}

/// A disk writes these whole or not at all.
const SECTOR: usize = 512;

impl Shadow {
    fn after_cut(&self, dice: &mut Dice, lost: &mut usize) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for change in &self.pending {
            match dice.below(3) {
                0 => change.apply(&mut bytes, None),
                1 => {
                    *lost += 1;
                    change.apply(&mut bytes, Some(dice));
                }
                _ => *lost += 1,
            }
        }
        bytes
    }
}

impl Change {
    /// Applies it to the bytes of a file; with dice, only some of its sectors.
    fn apply(&self, file: &mut Vec<u8>, tear: Option<&mut Dice>) {
        match self {
            Self::Truncate(size) => file.truncate(*size),
            Self::Write(offset, bytes) => {
                let sectors = bytes.len() / SECTOR;
                let kept = tear.map_or(bytes.len(), |dice| dice.below(sectors + 1) * SECTOR);
                let end = offset + kept;
                if file.len() < end {
                    file.resize(end, 0);
                }
                file[*offset..end].copy_from_slice(&bytes[..kept]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(disk: &mut Disk, offset: usize, bytes: &[u8]) -> Verdict {
        disk.change(1, Change::Write(offset, bytes.to_vec()))
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced_and_no_more_than_was_written() {
        let path = Path::new("/nowhere/a.db");
        for name in 0..50 {
            let mut disk = Disk::new();
            disk.opened(1, path);
            assert_eq!(write(&mut disk, 0, &[1; 1024]), Verdict::Pass);
            assert_eq!(disk.synced(1), Verdict::Pass);
            assert_eq!(write(&mut disk, 1024, &[2; 1024]), Verdict::Pass);
            let bytes = disk.files[path].after_cut(&mut Dice::new(7, name), &mut 0);
            assert_eq!(bytes[..1024], [1; 1024]);
            assert!(bytes[1024..].iter().all(|byte| *byte == 2) && bytes.len().is_multiple_of(SECTOR));
        }
    }

    #[test]
    fn the_power_goes_after_so_many_calls() {
        let mut disk = Disk::new();
        disk.opened(1, Path::new("/nowhere/a.db"));
        disk.cut = Some((2, Dice::new(7, 0)));
        assert_eq!(write(&mut disk, 0, &[1; 512]), Verdict::Pass);
        assert_eq!(disk.synced(1), Verdict::Pass);
        assert_eq!(write(&mut disk, 512, &[2; 512]), Verdict::Fail(Fault::Power));
        assert_eq!(disk.after_cut.map(|cut| cut.files.into_values().collect()), Some(vec![vec![1; 512]]));
    }

    #[test]
    fn each_fault_breaks_what_it_is_named_for() {
        let table = [
            (Fault::None, Verdict::Pass, Verdict::Pass),
            (Fault::Full, Verdict::Fail(Fault::Full), Verdict::Fail(Fault::Full)),
            (Fault::Write, Verdict::Torn, Verdict::Fail(Fault::Write)),
            (Fault::Sync, Verdict::Pass, Verdict::Fail(Fault::Sync)),
            (Fault::ReadOnly, Verdict::Fail(Fault::ReadOnly), Verdict::Fail(Fault::ReadOnly)),
            (Fault::Power, Verdict::Fail(Fault::Power), Verdict::Fail(Fault::Power)),
        ];
        for (fault, writes, syncs) in table {
            let mut disk = Disk { fault, ..Disk::new() };
            disk.opened(1, Path::new("/nowhere/a.db"));
            assert_eq!((write(&mut disk, 0, &[1]), disk.synced(1)), (writes, syncs), "{fault:?}");
        }
    }
}
