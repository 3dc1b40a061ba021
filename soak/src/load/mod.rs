//! Mixed load: people with several devices each, who register, log in, refresh, check, change passwords and log out
//! while something breaks the server. All that they ask and are answered is recorded and held against the model.

mod hand;
mod person;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::person::Person;
use crate::dice::Dice;
use crate::history::{self, MOST};
use crate::http::Http;

/// People at once.
const PEOPLE: u64 = 4;
/// Devices of each, which do not know of each other.
const HANDS: u64 = 3;
/// Of so many requests one may fail for nothing: over a connection that broke before, or behind too many others.
const FOR_NOTHING: u64 = 20;
/// The server is back after so long, or it is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// What all people share.
pub(crate) struct World {
    http: Http,
    began: Instant,
    seed: u64,
    stopped: AtomicBool,
    /// Set before whatever brings the server down.
    weather: watch::Sender<Weather>,
    /// How often it came back.
    lives: AtomicU64,
    counts: Counts,
    problems: Mutex<Vec<String>>,
}

/// What is being done to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Nothing.
    Fair,
    /// It may break at any moment.
    Threatening,
    /// It is broken: nobody begins anything.
    Foul,
}

/// What happened so far.
#[derive(Debug, Default)]
struct Counts {
    people: AtomicU64,
    asked: AtomicU64,
    acknowledged: AtomicU64,
    unanswered: AtomicU64,
    put_off: AtomicU64,
    /// Cut off or put off while nothing was being done to the server.
    for_nothing: AtomicU64,
}

/// A running load.
pub(crate) struct Load {
    world: Arc<World>,
    people: JoinSet<()>,
}

/// What came of it.
pub(crate) struct Judged {
    counts: [u64; 6],
    /// What no sequential server would have answered, and what else must not be.
    pub(crate) problems: Vec<String>,
}

impl Load {
    /// Starts it on a server that is ready.
    pub(crate) fn start(http: Http, seed: u64) -> Self {
        let world = Arc::new(World {
            http,
            began: Instant::now(),
            seed,
            stopped: AtomicBool::default(),
            weather: watch::Sender::new(Weather::Fair),
            lives: AtomicU64::default(),
            counts: Counts::default(),
            problems: Mutex::default(),
        });
        let mut people = JoinSet::new();
        for number in 0..PEOPLE {
            people.spawn(generations(Arc::clone(&world), number));
        }
        Self { world, people }
    }

    /// From now on what is under way may break. Whoever is cut off waits until it is over.
    pub(crate) fn may_break(&self) {
        self.world.weather.send_replace(Weather::Threatening);
    }

    /// From now on nobody begins anything; what is under way may break.
    pub(crate) fn going_down(&self) {
        self.world.weather.send_replace(Weather::Foul);
    }

    /// The server is ready again.
    pub(crate) fn back(&self) {
        self.world.lives.fetch_add(1, Ordering::SeqCst);
        self.world.weather.send_replace(Weather::Fair);
    }

    /// Whether something has been found.
    pub(crate) fn has_problems(&self) -> bool {
        !self.world.problems.lock().is_empty()
    }

    /// Lets all people look at all that they have once more, and judges their histories.
    pub(crate) async fn finish(mut self) -> Judged {
        self.world.stopped.store(true, Ordering::SeqCst);
        while let Some(ended) = self.people.join_next().await {
            if let Err(error) = ended {
                self.world.problem(format!("a person broke: {error}"));
            }
        }
        let (counts, lives) = (self.world.counts.now(), self.world.lives() + 1);
        let mut problems = std::mem::take(&mut *self.world.problems.lock());
        problems.extend(unserved(counts, lives));
        Judged { counts, problems }
    }
}

impl Counts {
    fn now(&self) -> [u64; 6] {
        let Self { people, asked, acknowledged, unanswered, put_off, for_nothing } = self;
        let all = [people, asked, acknowledged, unanswered, put_off, for_nothing];
        all.map(|count| count.load(Ordering::Relaxed))
    }
}

impl Judged {
    /// Figures for a report, of several loads.
    pub(crate) fn figures(all: &[Self]) -> Vec<String> {
        let words = [
            "accounts judged",
            "requests",
            "acknowledged changes",
            "requests cut off",
            "put off with 503",
            "of both while nothing was broken",
        ];
        let sum = |place: usize| all.iter().map(|judged| judged.counts[place]).sum::<u64>();
        words.iter().enumerate().map(|(place, what)| format!("{} {what}", sum(place))).collect()
    }

    /// What must not be, of several loads.
    pub(crate) fn problems(all: &[Self]) -> Vec<String> {
        all.iter().flat_map(|judged| judged.problems.clone()).collect()
    }
}

impl World {
    fn problem(&self, problem: String) {
        self.problems.lock().push(problem);
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn lives(&self) -> u64 {
        self.lives.load(Ordering::SeqCst)
    }

    /// The present life of the server, while nothing is being done to it.
    fn peace(&self) -> Option<u64> {
        (*self.weather.borrow() == Weather::Fair).then(|| self.lives())
    }

    /// Waits until somebody may begin something.
    async fn up(&self) {
        self.wait_for(|weather| weather != Weather::Foul).await;
    }

    async fn wait_for(&self, mut fits: impl FnMut(Weather) -> bool) {
        let mut weather = self.weather.subscribe();
        if timeout(PATIENCE, weather.wait_for(|weather| fits(*weather))).await.is_err() {
            self.problem(format!("the server was away for {PATIENCE:?}"));
        }
    }

    /// Waits until nothing is being broken and the server can serve: what was cut off before has worked by then, or never
    /// will.
    async fn settled(&self) {
        let began = Instant::now();
        loop {
            self.wait_for(|weather| weather == Weather::Fair).await;
            if self.http.is_ready().await {
                return;
            }
            if began.elapsed() > PATIENCE {
                return self.problem(format!("the server was not ready for {PATIENCE:?}"));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// What nobody may pass with by serving nobody: each life of the server acknowledges something, and hardly anything fails
/// while nothing is broken.
fn unserved([_, asked, acknowledged, _, _, for_nothing]: [u64; 6], lives: u64) -> Vec<String> {
    let mut problems = Vec::new();
    if acknowledged < lives {
        problems.push(format!("{acknowledged} changes acknowledged in {lives} lives: nothing was tested"));
    }
    if for_nothing * FOR_NOTHING > asked {
        problems.push(format!("{for_nothing} of {asked} requests failed while nothing was broken"));
    }
    problems
}

/// One person after the other, each with a new account.
async fn generations(world: Arc<World>, number: u64) {
    let mut generation = 0;
    while !world.stopped() {
        let person = Arc::new(Person::new(&format!("p{number}-{generation}")));
        let dice = Dice::new(world.seed, number << 32 | generation << 8);
        life(&world, &person, dice).await;
        generation += 1;
    }
}

async fn life(world: &Arc<World>, person: &Arc<Person>, mut dice: Dice) {
    if hand::birth(world, person).await {
        let mut hands = JoinSet::new();
        for _ in 0..HANDS {
            hands.spawn(hand::live(Arc::clone(world), Arc::clone(person), Dice::new(dice.any(), 0)));
        }
        while let Some(ended) = hands.join_next().await {
            if let Err(error) = ended {
                world.problem(format!("a device broke: {error}"));
            }
        }
        hand::look_once_more(world, person).await;
    }
    let events = person.history();
    world.counts.people.fetch_add(1, Ordering::Relaxed);
    if let Err(violation) = history::check(&events) {
        let shown: Vec<String> = events.iter().take(MOST).map(|event| format!("    {event:?}")).collect();
        world.problem(format!(
            "seed {}, account {}: {violation}\n{}",
            world.seed,
            person.email,
            shown.join("\n")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Semaphore;

    /// Says that it is ready, and puts off everything that it is asked for.
    async fn idler(mut stream: TcpStream, asked: Arc<Semaphore>) -> std::io::Result<()> {
        let mut request = [0; 4096];
        loop {
            let length = stream.read(&mut request).await?;
            if length == 0 {
                return Ok(());
            }
            asked.add_permits(1);
            let ready = request[..length].starts_with(b"GET /readyz");
            let status = if ready { "204 No Content" } else { "503 Service Unavailable" };
            stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
        }
    }

    #[tokio::test]
    async fn a_server_that_puts_everything_off_passes_nothing() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Semaphore::new(0));
        let counted = Arc::clone(&asked);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(idler(stream, Arc::clone(&counted)));
            }
        });
        let load = Load::start(Http::new(&format!("http://127.0.0.1:{port}")).unwrap(), 7);
        let _asked = asked.acquire_many(200).await.unwrap();
        let problems = load.finish().await.problems;
        server.abort();
        assert!(problems.iter().any(|problem| problem.contains("nothing was tested")), "{problems:?}");
        assert!(problems.iter().any(|problem| problem.contains("while nothing was broken")), "{problems:?}");
    }

    #[test]
    fn each_life_acknowledges_something_and_hardly_anything_fails_for_nothing() {
        let table = [
            ("good", [4, 1000, 51, 9, 9, 50], 50, 0),
            ("too little acknowledged", [4, 1000, 49, 9, 9, 0], 50, 1),
            ("too much put off", [4, 1000, 900, 9, 90, 51], 50, 1),
            ("nothing at all", [0, 0, 0, 0, 0, 0], 1, 1),
        ];
        for (name, counts, lives, problems) in table {
            assert_eq!(unserved(counts, lives).len(), problems, "{name}");
        }
    }
}
