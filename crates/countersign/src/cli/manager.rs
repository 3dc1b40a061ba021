//! The service manager that started us, if it wants to be told how far we are: one datagram a state, to the socket that
//! `NOTIFY_SOCKET` names (`sd_notify(3)`).

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram as Socket};
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// A manager that reads nothing for so long is not told: its socket is full, and a stop waits for nobody.
const TELL: Duration = Duration::from_secs(1);

/// Whom to tell; nobody, where nothing was asked for.
pub(super) struct Manager {
    socket: Option<UnixDatagram>,
    /// It takes us for hung after so long without a word.
    patience: Option<Duration>,
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Requests are answered from now on.
    Ready,
    /// What is under way is finished, nothing new is taken.
    Stopping,
    /// The runtime still runs what it is given.
    Alive,
}

impl Manager {
    /// The one that the environment names. Needs the runtime. One that cannot be told is no reason to serve nobody: it may
    /// be that of a container engine, which meant somebody else.
    pub(super) fn of_environment() -> Self {
        let socket =
            std::env::var_os("NOTIFY_SOCKET").and_then(|name| connect(&name).inspect_err(complain).ok());
        Self {
            socket,
            patience: patience(std::env::var_os("WATCHDOG_USEC"), std::env::var_os("WATCHDOG_PID")),
        }
    }

    /// Tells it.
    pub(super) async fn tell(&self, state: State) {
        let Some(socket) = &self.socket else { return };
        let words = match state {
            State::Ready => "READY=1",
            State::Stopping => "STOPPING=1",
            State::Alive => "WATCHDOG=1",
        };
        let told = timeout(TELL, socket.send(words.as_bytes())).await.map_err(std::io::Error::from);
        if let Err(error) = told.flatten() {
            complain(&error);
        }
    }

    /// Tells it that we live, often enough, until it is dropped.
    pub(super) async fn reassure(&self) -> Infallible {
        let Some(patience) = self.patience else { return std::future::pending().await };
        let mut ticks = interval(patience / 3);
        // Signs of life that are late say no more than one does.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.tell(State::Alive).await;
        }
    }
}

fn complain(error: &std::io::Error) {
    tracing::warn!(%error, "cannot tell the service manager how far we are");
}

/// A path, or behind `@` an abstract name.
fn connect(name: &OsStr) -> std::io::Result<UnixDatagram> {
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = Socket::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    UnixDatagram::from_std(socket)
}

/// What `WATCHDOG_USEC` says, if `WATCHDOG_PID` does not mean another process.
fn patience(micros: Option<OsString>, pid: Option<OsString>) -> Option<Duration> {
    let ours = pid.is_none_or(|pid| pid.to_str() == Some(std::process::id().to_string().as_str()));
    let micros: u64 = micros?.to_str()?.parse().ok()?;
    (ours && micros > 0).then(|| Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_counts_where_it_is_meant_for_this_process() {
        let text = |text: &str| Some(OsString::from(text));
        let own = std::process::id().to_string();
        let second = Some(Duration::from_secs(1));
        let table = [
            (None, None, None),
            (text("1000000"), None, second),
            (text("1000000"), text(&own), second),
            (text("1000000"), text("1"), None),
            (text("0"), None, None),
            (text("soon"), None, None),
        ];
        for (micros, pid, expected) in table {
            assert_eq!(patience(micros.clone(), pid.clone()), expected, "{micros:?} {pid:?}");
        }
    }

    #[tokio::test]
    async fn a_manager_is_told_at_a_path_and_at_an_abstract_name() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("notify");
        let name = format!("@countersign-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name[1..]).unwrap();
        let at_path = Socket::bind(&path).unwrap();
        let at_name = Socket::bind_addr(&abstract_name).unwrap();
        for (socket, name) in [(at_path, path.as_os_str()), (at_name, OsStr::new(&name))] {
            let manager = Manager { socket: Some(connect(name).unwrap()), patience: None };
            for (state, words) in [(State::Ready, "READY=1"), (State::Stopping, "STOPPING=1")] {
                manager.tell(state).await;
                let mut bytes = [0; 64];
                let length = socket.recv(&mut bytes).unwrap();
                assert_eq!(&bytes[..length], words.as_bytes());
            }
        }
    }
}
