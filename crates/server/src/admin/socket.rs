//! The admin socket, `<data>/admin.sock`: one command a connection, a line of JSON in, a line of JSON out, or several
//! where a command takes long and tells how far it is.
//!
//! Whoever may open it runs the server: mode 0600, and the kernel must say that the peer is our own user or root.

use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use countersign_store::db::snapshot::{Progress, Watch};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::unix::WriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use crate::app::App;

use super::{AdminError, Command, ProgressEntry, Reply, execute_watched};

/// The name of the socket in the data folder.
pub const NAME: &str = "admin.sock";
/// A longer line is no command.
pub const MAX_LINE: usize = 64 * 1024;

/// A command comes at once; whoever takes longer holds up a stop.
const LINE_TIME: Duration = Duration::from_secs(5);
/// While a command is under way the server says so this often, whether or not the command says how far it is.
const ALIVE: Duration = Duration::from_secs(15);
/// Whoever asked gives up on a server that says nothing for so long.
const SILENCE: Duration = Duration::from_mins(1);
/// A command that says nothing of itself for so long is given up: reading a large database whole takes minutes.
const COMMAND_TIME: Duration = Duration::from_hours(1);
/// A stop waits so long for a command that is under way.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// What travels back.
pub type Answer = Result<Reply, AdminError>;

/// The socket, not yet served.
#[derive(Debug)]
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another server has this data folder.
    #[error(
        "another Countersign answers at {0}: stop it, or give this one a data folder of its own (--data)"
    )]
    Answered(String),
    /// The system refuses.
    #[error("{path}: {error} (a path of a socket has at most 107 bytes)")]
    System {
        /// Which socket.
        path: String,
        /// Why.
        error: io::Error,
    },
}

impl AdminSocket {
    /// Takes the place of a socket that nobody answers at. The new one appears under its name when its mode is right.
    pub async fn bind(path: &Path) -> Result<Self, SocketError> {
        let failed = |error| SocketError::System { path: path.display().to_string(), error };
        if answers(path).await.map_err(failed)? {
            return Err(SocketError::Answered(path.display().to_string()));
        }
        let draft = path.with_extension(format!("{}", std::process::id()));
        // One of a process that was killed right here; in a container each has the same number.
        drop(std::fs::remove_file(&draft));
        let bound = UnixListener::bind(&draft).and_then(|listener| {
            std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o600))?;
            std::fs::rename(&draft, path)?;
            Ok(listener)
        });
        let listener = bound.map_err(|error| {
            // It may not even be there.
            drop(std::fs::remove_file(&draft));
            failed(error)
        })?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers until `stop` is ready; then what is under way ends, and the socket is gone.
    pub async fn serve(self, app: App, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let tasks = TaskTracker::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(tasks.spawn(answer(app.clone(), stream))),
                    Err(error) => {
                        tracing::warn!(%error, "the admin socket cannot accept");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                () = &mut stop => break,
            }
        }
        // First the name, then the listener: whoever comes in between finds nobody.
        drop(self);
        tasks.close();
        if tokio::time::timeout(DRAIN_TIME, tasks.wait()).await.is_err() {
            tracing::warn!("a command at the admin socket was still under way");
        }
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        // A stale one harms nobody: the next start takes its place.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Sends one command to the server that answers at `path`; none where nobody does. `told` hears how far it is.
pub async fn ask(
    path: &Path,
    command: &Command,
    mut told: impl FnMut(ProgressEntry),
) -> io::Result<Option<Answer>> {
    let Some(mut stream) = connect(path).await? else { return Ok(None) };
    let mut line = Zeroizing::new(serde_json::to_vec(command)?);
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut answer = Vec::new();
        tokio::time::timeout(SILENCE, stream.read_until(b'\n', &mut answer)).await??;
        match serde_json::from_slice(&answer)? {
            Ok(Reply::Progress(progress)) => told(progress),
            Ok(Reply::Working) => {}
            answer => return Ok(Some(answer)),
        }
    }
}

async fn answers(path: &Path) -> io::Result<bool> {
    Ok(connect(path).await?.is_some())
}

/// Connects, unless the socket is not there or left over. What is no socket is not ours to touch.
async fn connect(path: &Path) -> io::Result<Option<UnixStream>> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::other("is in the way: it is no socket"));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn answer(app: App, stream: UnixStream) {
    if !is_ours(&stream) {
        tracing::warn!("another user at the admin socket was sent away");
        return;
    }
    if let Err(error) = converse(&app, stream).await {
        tracing::debug!(%error, "a connection of the admin socket ended early");
    }
}

/// Whether the kernel says that the peer is our own user or root.
fn is_ours(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

async fn converse(app: &App, mut stream: UnixStream) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let line = tokio::time::timeout(LINE_TIME, read_line(reader)).await??;
    if line.is_empty() {
        // Somebody who looked whether anybody answers.
        return Ok(());
    }
    let answer = match serde_json::from_slice(&line) {
        Ok(command) => obey(app, command, &mut writer).await?,
        // The error is not told on: it may quote what was sent.
        Err(_) => Err(AdminError::Unknown),
    };
    say(&mut writer, &answer).await
}

/// Has it done, and tells how far it is.
async fn obey(app: &App, command: Command, writer: &mut WriteHalf<'_>) -> io::Result<Answer> {
    let (tell, told) = watch::channel(None);
    let watch: Watch = Arc::new(move |progress| tell.send(Some(progress)).is_ok());
    wait_for(Box::pin(execute_watched(app, command, watch)), told, writer, (ALIVE, COMMAND_TIME)).await
}

/// Waits for a command, and says at least every `alive` that it is under way. Whoever hangs up stops what tells how far it
/// is; a command that says nothing of itself for too long is given up.
async fn wait_for(
    done: impl Future<Output = Answer>,
    mut told: watch::Receiver<Option<Progress>>,
    writer: &mut (impl AsyncWrite + Unpin),
    (alive, longest): (Duration, Duration),
) -> io::Result<Answer> {
    let mut done = std::pin::pin!(done);
    let mut silent = Duration::ZERO;
    loop {
        let next = async {
            tokio::select! {
                biased;
                answer = &mut done => Some(answer),
                Ok(()) = told.changed() => None,
            }
        };
        match tokio::time::timeout(alive, next).await {
            Ok(Some(answer)) => {
                // What it said last is told too, however quickly it came to its end.
                say_progress(&mut told, writer).await?;
                return Ok(answer);
            }
            Ok(None) => {
                silent = Duration::ZERO;
                say_progress(&mut told, writer).await?;
            }
            Err(_) if silent < longest => {
                silent += alive;
                say(writer, &Ok(Reply::Working)).await?;
            }
            Err(_) => return Ok(Err(AdminError::Unavailable("it takes too long".to_owned()))),
        }
    }
}

async fn say_progress(
    told: &mut watch::Receiver<Option<Progress>>,
    writer: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let progress = *told.borrow_and_update();
    match progress {
        Some(progress) => say(writer, &Ok(Reply::Progress(progress.into()))).await,
        None => Ok(()),
    }
}

async fn say(writer: &mut (impl AsyncWrite + Unpin), answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    tokio::time::timeout(LINE_TIME, writer.write_all(&line)).await?
}

/// One line, which may hold a password. The buffer never grows: growing leaves copies behind.
async fn read_line(reader: impl tokio::io::AsyncRead + Unpin) -> io::Result<Zeroizing<Vec<u8>>> {
    let limit = MAX_LINE + 1;
    let mut line = Zeroizing::new(Vec::with_capacity(limit));
    let mut reader = BufReader::new(reader.take(limit as u64));
    reader.read_until(b'\n', &mut line).await?;
    if line.len() > MAX_LINE {
        return Err(io::Error::other("the line is too long"));
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn the_socket_is_for_its_owner_and_takes_the_place_of_a_stale_one_only() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(NAME);
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a stale one");
        let first = AdminSocket::bind(&path).await.unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(matches!(AdminSocket::bind(&path).await, Err(SocketError::Answered(_))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        drop(first);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_start_that_was_killed_while_it_bound_does_not_hinder_the_next() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(NAME);
        let draft = path.with_extension(std::process::id().to_string());
        drop(std::os::unix::net::UnixListener::bind(&draft).unwrap());
        let bound = AdminSocket::bind(&path).await;
        assert!(bound.is_ok() && !draft.exists(), "{bound:?}");
    }

    #[tokio::test]
    async fn what_is_no_socket_is_left_alone() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, "notes").unwrap();
        assert!(matches!(AdminSocket::bind(&path).await, Err(SocketError::System { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
    }

    #[tokio::test]
    async fn a_command_that_says_nothing_is_waited_for_and_in_the_end_given_up() {
        let (alive, longest) = (Duration::from_millis(1), Duration::from_millis(5));
        let (_tell, told) = watch::channel(None);
        let mut said = Vec::new();
        let answer =
            wait_for(std::future::pending(), told.clone(), &mut said, (alive, longest)).await.unwrap();
        assert!(matches!(answer, Err(AdminError::Unavailable(_))), "{answer:?}");
        let lines: Vec<Answer> =
            said.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        assert!(lines.len() == 5 && lines.iter().all(|line| matches!(line, Ok(Reply::Working))), "{lines:?}");
        // It is not given up for being slow.
        let slow = async {
            tokio::time::sleep(alive * 3).await;
            Ok(Reply::Working)
        };
        let answer = wait_for(slow, told, &mut said, (alive, Duration::from_hours(1))).await.unwrap();
        assert!(answer.is_ok(), "{answer:?}");
    }

    #[tokio::test]
    async fn a_line_has_its_limit() {
        let fits = [vec![b'x'; MAX_LINE - 1], vec![b'\n']].concat();
        assert_eq!(read_line(&fits[..]).await.unwrap().len(), MAX_LINE);
        let over = [vec![b'x'; MAX_LINE], vec![b'\n']].concat();
        assert!(read_line(&over[..]).await.is_err());
    }

    #[tokio::test]
    async fn nobody_answers_where_nothing_is() {
        let folder = TempDir::new().unwrap();
        assert!(ask(&folder.path().join(NAME), &Command::Ping, |_| ()).await.unwrap().is_none());
    }
}
