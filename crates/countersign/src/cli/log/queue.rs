//! Between those who log and standard error: a bounded queue and a thread. Whoever logs never waits; what the queue or
//! the other end does not take is counted, and said as soon as somebody takes lines again (attack LOGG-04).

use std::io::{ErrorKind, Write};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

/// Lines that may wait: some hundred KiB.
const WAITING: usize = 1024;
/// Bytes that are written at once.
const CHUNK: usize = 32 * 1024;
/// The end of the program waits so long for a reader: first for room in the queue, then for all before it.
const FLUSH_TIME: Duration = Duration::from_secs(1);
/// Looks for room in that time.
const LOOKS: u32 = 100;

enum Item {
    Line(String),
    /// Answered when all before it was written.
    Flush(SyncSender<()>),
}

/// The log's own end of the queue. Dropping it writes what waits, as far as somebody takes it within a second or two.
#[must_use = "the log ends with it"]
pub(crate) struct Queue(Sender);

/// Where lines go in.
#[derive(Clone)]
pub(super) struct Sender {
    items: SyncSender<Item>,
    dropped: Counter,
}

impl Queue {
    /// Starts the thread that writes to `out`. `notice` is the line that says how many were `dropped`.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        dropped: Counter,
        notice: impl Fn(u64) -> String + Send + 'static,
    ) -> Self {
        let (items, queue) = mpsc::sync_channel(WAITING);
        let said = dropped.get();
        let mut writer = Writer { out, dropped: dropped.clone(), said, torn: false, notice };
        // Without the thread every line is dropped, and counted.
        let _ = thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(&queue));
        Self(Sender { items, dropped })
    }

    pub(super) fn sender(&self) -> Sender {
        self.0.clone()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // Whoever does not read by then does not read at all, and nobody is left to be told how much it missed.
        self.0.flush(FLUSH_TIME);
    }
}

impl Sender {
    /// Hands over a line, or drops it. Never waits.
    pub(super) fn send(&self, line: String) {
        if self.items.try_send(Item::Line(line)).is_err() {
            self.dropped.inc();
        }
    }

    /// Waits until all that was handed over is written, or `time` for room in the queue or for its turn; which of them.
    fn flush(&self, time: Duration) -> bool {
        let (done, flushed) = mpsc::sync_channel(1);
        let mut flush = Item::Flush(done);
        for _ in 0..=LOOKS {
            flush = match self.items.try_send(flush) {
                Ok(()) => return flushed.recv_timeout(time).is_ok(),
                Err(TrySendError::Full(flush)) => flush,
                Err(TrySendError::Disconnected(_)) => return false,
            };
            // We hold the other end still: this only waits.
            let _ = flushed.recv_timeout(time / LOOKS);
        }
        false
    }
}

struct Writer<W, N> {
    out: W,
    dropped: Counter,
    /// Of those dropped, how many were told of.
    said: u64,
    /// The last thing written is half a line.
    torn: bool,
    notice: N,
}

impl<W: Write, N: Fn(u64) -> String> Writer<W, N> {
    fn run(&mut self, queue: &Receiver<Item>) {
        while let Ok(item) = queue.recv() {
            let mut chunk = String::new();
            let mut next = Some(item);
            while let Some(Item::Line(line)) = &next {
                chunk.push_str(line);
                next = if chunk.len() < CHUNK { queue.try_recv().ok() } else { None };
            }
            self.write(&chunk);
            if let Some(Item::Flush(done)) = next {
                // It may wait no longer.
                let _ = done.try_send(());
            }
        }
    }

    fn write(&mut self, chunk: &str) {
        let missed = self.dropped.get() - self.said;
        if missed > 0 {
            let torn = if self.torn { "\n" } else { "" };
            if self.put(&format!("{torn}{}", (self.notice)(missed))).is_err() {
                return self.lose(chunk);
            }
            self.said += missed;
        }
        if let Err(unsent) = self.put(chunk) {
            self.lose(&chunk[chunk.floor_char_boundary(chunk.len() - unsent)..]);
        }
    }

    /// Writes a text whole, or says how many bytes of it were not taken.
    fn put(&mut self, text: &str) -> Result<(), usize> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match self.out.write(rest) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => {
                    let taken = &text.as_bytes()[..text.len() - rest.len()];
                    self.torn = taken.last().map_or(self.torn, |last| *last != b'\n');
                    return Err(rest.len());
                }
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            }
        }
        self.torn = false;
        Ok(())
    }

    fn lose(&self, lines: &str) {
        self.dropped.inc_by(lines.bytes().filter(|byte| *byte == b'\n').count() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// A reader that can stop taking lines, or take half of them.
    #[derive(Clone, Default)]
    struct Reader(Arc<Mutex<State>>);

    #[derive(Default)]
    struct State {
        taken: Vec<u8>,
        room: Option<usize>,
    }

    impl Reader {
        fn room(&self, room: Option<usize>) {
            self.0.lock().unwrap().room = room;
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().taken.clone()).unwrap()
        }
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.0.lock().unwrap();
            let count = state.room.map_or(bytes.len(), |room| room.min(bytes.len()));
            if count == 0 {
                return Err(io::Error::from(ErrorKind::StorageFull));
            }
            state.room = state.room.map(|room| room - count);
            state.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn notice(lines: u64) -> String {
        format!("{lines} dropped\n")
    }

    #[test]
    fn logg_04_what_a_full_disk_does_not_take_is_counted_and_said_later() {
        let (reader, dropped) = (Reader::default(), Counter::default());
        let mut writer =
            Writer { out: reader.clone(), dropped: dropped.clone(), said: 0, torn: false, notice };
        writer.write("one\n");
        reader.room(Some(2));
        writer.write("two\nthree\n");
        writer.write("four\n");
        assert_eq!((reader.text().as_str(), dropped.get()), ("one\ntw", 3));
        reader.room(None);
        writer.write("five\n");
        assert_eq!(reader.text(), "one\ntw\n3 dropped\nfive\n");
    }

    /// Takes nothing until it may.
    struct Blocked(mpsc::Receiver<()>, Reader);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error means that the other end is gone: from then on it takes everything.
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn logg_04_nobody_waits_for_a_reader_that_does_not_read() {
        let (open, gate) = mpsc::channel();
        let (reader, dropped) = (Reader::default(), Counter::default());
        let queue = Queue::start(Blocked(gate, reader.clone()), dropped.clone(), notice);
        let sender = queue.sender();
        for number in 0..3 * WAITING {
            sender.send(format!("{number:0100}\n"));
        }
        let missed = dropped.get();
        assert!(missed > 0);
        assert!(!sender.flush(Duration::ZERO), "the queue is full");
        drop(open);
        assert!(sender.flush(Duration::from_mins(1)), "there is room again");
        let text = reader.text();
        // The thread says what it knows of when it begins to write, and the rest afterwards.
        let told: u64 =
            text.lines().filter_map(|line| line.strip_suffix(" dropped")?.parse::<u64>().ok()).sum();
        let lines = text.lines().filter(|line| !line.ends_with("dropped")).count() as u64;
        assert_eq!((told, lines), (missed, 3 * WAITING as u64 - missed));
    }
}
