//! A password, from a person or a program.

use std::io::{BufRead, BufReader, IsTerminal as _, Read};

use anyhow::{Context as _, bail};
use countersign_server::admin::Typed;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::out;

/// No password is longer; what is longer is told apart from what fits by one byte more.
const MAX_BYTES: usize = 1024 + 2;

/// Asks for a password twice, without echo, or takes the first line of standard input.
pub(super) fn read(from_stdin: bool) -> anyhow::Result<Typed> {
    let stdin = std::io::stdin();
    if from_stdin {
        return Ok(Typed::new(line(&mut stdin.lock())?));
    }
    if !stdin.is_terminal() {
        bail!("there is no terminal to ask for the password: pipe it in with --password-stdin");
    }
    let first = ask("Password: ")?;
    let second = ask("Once more: ")?;
    if *first != *second {
        bail!("the two are not the same: nothing was done");
    }
    Ok(Typed::new(first))
}

fn ask(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    out::prompt(prompt);
    let silence = Silence::begin()?;
    let typed = line(&mut std::io::stdin().lock());
    drop(silence);
    out::note("");
    typed
}

/// The terminal shows nothing that is typed, until this is dropped.
struct Silence(Termios);

impl Silence {
    fn begin() -> anyhow::Result<Self> {
        let before = tcgetattr(std::io::stdin()).context("the terminal")?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent).context("the terminal")?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing either.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// One line without its end, in a buffer that never grows: growing leaves copies behind.
fn line(reader: &mut impl Read) -> anyhow::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    let mut reader = BufReader::with_capacity(MAX_BYTES, reader.take(MAX_BYTES as u64 + 1));
    reader.read_until(b'\n', &mut bytes)?;
    if bytes.len() > MAX_BYTES {
        bail!("the password is longer than 1,024 bytes");
    }
    let end = [b'\n', b'\r'];
    let text = std::str::from_utf8(&bytes).context("the password is not UTF-8")?;
    let text = text.strip_suffix(char::from(end[0])).unwrap_or(text);
    let text = text.strip_suffix(char::from(end[1])).unwrap_or(text);
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<String> {
        line(&mut &bytes[..]).ok().map(|line| line.to_string())
    }

    #[test]
    fn one_line_is_taken_and_only_its_end_is_cut_off() {
        let table: [(&[u8], &str); 5] =
            [(b"a b \n", "a b "), (b"a\r\nb\n", "a"), (b"a", "a"), (b"", ""), ("비밀\n".as_bytes(), "비밀")];
        for (bytes, text) in table {
            assert_eq!(read(bytes).as_deref(), Some(text));
        }
        assert_eq!(read(b"\xff\n"), None);
        let longest = "x".repeat(1024);
        assert_eq!(read(format!("{longest}\r\n").as_bytes()), Some(longest.clone()));
        assert_eq!(read(format!("{longest}xxx").as_bytes()), None);
    }
}
