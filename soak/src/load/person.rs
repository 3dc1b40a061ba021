//! A person: an account, what its devices hold of it, and all that they asked and were answered.

use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::World;
use crate::history::{Answer, Call, Event, Password, Proof, Session};
use crate::http::{Reply, SESSION, send};

/// One account.
pub(super) struct Person {
    pub(super) email: String,
    wallet: Mutex<Wallet>,
    history: Mutex<Vec<Event>>,
}

/// What its devices hold.
#[derive(Debug, Default)]
pub(super) struct Wallet {
    email: String,
    /// The texts of cookies and refresh tokens, by their numbers.
    proofs: Vec<String>,
    /// The token of the mailed link.
    link: Option<String>,
    /// The password that counts, as far as anybody knows.
    pub(super) password: Password,
    /// The next password to be chosen.
    pub(super) next_password: Password,
    /// The sessions that logins gave.
    sessions: Vec<Handle>,
    opened: Session,
}

/// A session in the hands of the devices.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    pub(super) id: Session,
    /// The newest cookie secret or refresh token.
    pub(super) proof: Proof,
    /// Those before it.
    pub(super) older: Vec<Proof>,
    /// An access token, where the session has tokens.
    access: Option<String>,
    /// Somebody was told that it is over.
    pub(super) over: bool,
    /// Nobody asks for it any more.
    pub(super) forgotten: bool,
}

impl Handle {
    /// Whether it has tokens instead of a cookie.
    pub(super) const fn has_tokens(&self) -> bool {
        self.access.is_some()
    }

    /// How the session proves itself to the API: by this cookie, or by its access token.
    pub(super) fn by(&self, cookie: Proof) -> (Session, Option<Proof>) {
        (self.id, (!self.has_tokens()).then_some(cookie))
    }
}

impl Person {
    pub(super) fn new(name: &str) -> Self {
        let email = format!("{name}@example.org");
        let wallet = Wallet { email: email.clone(), next_password: 1, ..Wallet::default() };
        Self { email, wallet: Mutex::new(wallet), history: Mutex::default() }
    }

    /// Looks at, or into, what its devices hold.
    pub(super) fn wallet<T>(&self, look: impl FnOnce(&mut Wallet) -> T) -> T {
        look(&mut self.wallet.lock())
    }

    /// How much was recorded.
    pub(super) fn events(&self) -> usize {
        self.history.lock().len()
    }

    /// All that was recorded.
    pub(super) fn history(&self) -> Vec<Event> {
        self.history.lock().clone()
    }

    /// Asks, records what was asked and answered, and keeps what came of it. Waits while the server is down, and after
    /// a request that had no answer until the server is back.
    pub(super) async fn ask(&self, world: &World, call: Call) -> Answer {
        world.up().await;
        let request = self.request(world, call);
        let (start, before) = (world.now(), world.peace());
        let reply = send(request).await;
        let for_nothing = before.is_some() && before == world.peace();
        let mut end = world.now();
        let answer = self.wallet(|wallet| wallet.keep(call, reply.as_ref()));
        count(world, (call, for_nothing), reply.as_ref(), answer);
        if answer == Answer::Unknown {
            world.settled().await;
            end = world.now();
        }
        self.history.lock().push(Event { start, end, call, answer });
        answer
    }

    fn request(&self, world: &World, call: Call) -> RequestBuilder {
        let post = |path: &str, body: &Value| world.http.request(Method::POST, path).json(body);
        let by = |method, path: &str, (session, cookie): (Session, Option<Proof>)| {
            self.wallet(|wallet| wallet.prove(world.http.request(method, path), session, cookie))
        };
        let (email, own) = (&self.email, "/api/v1/session");
        match call {
            Call::Register(given) => {
                post("/api/v1/accounts", &json!({ "email": email, "password": password(given) }))
            }
            Call::Mail => world.http.request(Method::GET, "/dev/inbox"),
            Call::Verify => {
                let link = self.wallet(|wallet| wallet.link.clone());
                post("/api/v1/accounts/verify", &json!({ "token": link, "password": password(0) }))
            }
            Call::LogIn(given) => post(
                "/api/v1/login",
                &json!({ "identifier": email, "password": password(given), "deliver": "cookie" }),
            ),
            Call::LogInForTokens(given) => post(
                "/api/v1/login",
                &json!({ "identifier": email, "password": password(given), "deliver": "token" }),
            ),
            Call::Check(session, cookie) => by(Method::GET, own, (session, cookie)),
            Call::LogOut(session, cookie) => by(Method::DELETE, own, (session, cookie)),
            Call::Refresh(_, given) => {
                let token = self.wallet(|wallet| wallet.proofs[given as usize].clone());
                let fields = [
                    ("grant_type", "refresh_token"),
                    ("client_id", "countersign"),
                    ("refresh_token", &token),
                ];
                world.http.request(Method::POST, "/oauth2/token").form(&fields)
            }
            Call::Change { session, cookie, current, new } => {
                let body = json!({ "current": password(current), "new": password(new) });
                by(Method::PUT, "/api/v1/password", (session, cookie)).json(&body)
            }
        }
    }
}

impl Wallet {
    fn prove(&self, request: RequestBuilder, session: Session, cookie: Option<Proof>) -> RequestBuilder {
        if let Some(cookie) = cookie {
            return request.header("cookie", format!("{SESSION}={}", self.proofs[cookie as usize]));
        }
        let handle = self.sessions.iter().find(|handle| handle.id == session);
        request.bearer_auth(handle.and_then(|handle| handle.access.as_deref()).unwrap_or_default())
    }

    /// What the reply says, with whatever it brought put away.
    fn keep(&mut self, call: Call, reply: Option<&Reply>) -> Answer {
        let Some(reply) = reply else { return Answer::Unknown };
        let text = |name: &str| reply.body[name].as_str().map(str::to_owned);
        match (call, reply.status) {
            (Call::Register(_), 202) | (Call::Verify, 204) | (Call::Check(..), 200) => Answer::Done,
            (Call::Mail, 200) => self.read_mail(&reply.body),
            (Call::LogOut(session, _), 204) => {
                self.over(session);
                Answer::Done
            }
            (Call::LogIn(given), 200) => self.open(given, reply.cookie.clone(), None),
            (Call::LogInForTokens(given), 200) => {
                self.open(given, text("refresh_token"), text("access_token"))
            }
            (Call::Refresh(session, _), 200) => {
                self.renew(session, text("refresh_token"), text("access_token"))
            }
            (Call::Change { session, new, cookie, .. }, 204) => {
                self.password = new;
                if cookie.is_some() { self.renew(session, reply.cookie.clone(), None) } else { Answer::Done }
            }
            (Call::Change { .. }, 400) if reply.body["errors"][0]["code"] == "current_wrong" => {
                Answer::WrongPassword
            }
            (Call::Refresh(session, _), 400) if reply.body["error"] == "invalid_grant" => {
                self.over(session);
                Answer::Refused
            }
            (Call::Refresh(..) | Call::Register(_) | Call::Mail, 401) => Answer::Unknown,
            (_, 401) => Answer::Refused,
            _ => Answer::Unknown,
        }
    }

    /// The sessions that somebody still asks for.
    pub(super) fn held(&self) -> Vec<Handle> {
        self.sessions.iter().filter(|handle| !handle.forgotten).cloned().collect()
    }

    /// Leaves room for another session: one that is over goes first.
    pub(super) fn make_room(&mut self, most: usize) {
        let held = self.held();
        if held.len() >= most
            && let Some(gone) =
                held.iter().find(|handle| handle.over).or(held.first()).map(|handle| handle.id)
        {
            self.sessions
                .iter_mut()
                .filter(|handle| handle.id == gone)
                .for_each(|handle| handle.forgotten = true);
        }
    }

    /// Whether the inbox holds a mail with a link for this address.
    fn read_mail(&mut self, inbox: &Value) -> Answer {
        let mails = inbox["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mine = mails.iter().filter(|mail| mail["to"] == self.email.as_str());
        let mut tokens = mine.filter_map(|mail| mail["links"][0].as_str()?.split_once("token="));
        let Some((_, token)) = tokens.next() else { return Answer::Refused };
        self.link = Some(token.to_owned());
        Answer::Done
    }

    fn open(&mut self, password: Password, proof: Option<String>, access: Option<String>) -> Answer {
        let Some(proof) = proof.map(|text| self.number(text)) else { return Answer::Unknown };
        self.password = password;
        self.opened += 1;
        self.sessions.push(Handle {
            id: self.opened,
            proof,
            older: Vec::new(),
            access,
            over: false,
            forgotten: false,
        });
        Answer::Got(self.opened, proof)
    }

    fn renew(&mut self, session: Session, proof: Option<String>, access: Option<String>) -> Answer {
        let Some(proof) = proof.map(|text| self.number(text)) else { return Answer::Unknown };
        if let Some(handle) = self.sessions.iter_mut().find(|handle| handle.id == session) {
            handle.access = access.or(handle.access.take());
            // Of two answers under way the one with the newer proof may come first.
            let (newer, older) = (handle.proof.max(proof), handle.proof.min(proof));
            if newer != older && !handle.older.contains(&older) {
                handle.older.push(older);
            }
            handle.proof = newer;
        }
        Answer::Got(session, proof)
    }

    fn over(&mut self, session: Session) {
        self.sessions.iter_mut().filter(|handle| handle.id == session).for_each(|handle| handle.over = true);
    }

    fn number(&mut self, text: String) -> Proof {
        let place = self.proofs.iter().position(|known| *known == text);
        let place = place.unwrap_or_else(|| {
            self.proofs.push(text);
            self.proofs.len() - 1
        });
        Proof::try_from(place).unwrap_or(Proof::MAX)
    }
}

fn count(world: &World, (call, for_nothing): (Call, bool), reply: Option<&Reply>, answer: Answer) {
    let add = |count: &std::sync::atomic::AtomicU64| count.fetch_add(1, Ordering::Relaxed);
    add(&world.counts.asked);
    let changes = !matches!(call, Call::Mail | Call::Check(..));
    match (answer, reply) {
        (Answer::Done | Answer::Got(..), _) if changes => {
            add(&world.counts.acknowledged);
        }
        (Answer::Unknown, None) => {
            add(&world.counts.unanswered);
        }
        (Answer::Unknown, Some(reply)) if reply.status == 503 => {
            add(&world.counts.put_off);
        }
        (Answer::Unknown, Some(reply)) => {
            world.problem(format!("{call:?} was answered {}: {}", reply.status, reply.body));
        }
        _ => {}
    }
    if answer == Answer::Unknown && for_nothing {
        add(&world.counts.for_nothing);
    }
}

/// Passwords that the policy takes.
fn password(number: Password) -> String {
    format!("granite.lantern.mosaic-{number}")
}
