//! Requests that wait for a person, as the URL of a page carries them: sealed, or by a name where they are too long (I6).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_core::Span;
use countersign_core::authorize::{NoWayBack, Reference, Waiting};
use countersign_core::client::{Client, Kind};
use countersign_core::secret::{Hash, sha256};
use countersign_core::throttle::Prefix;
use countersign_store::ephemeral::{Kept, Owner};

use crate::ctx::Ctx;

/// Longer ones are kept here, and the URL carries a name.
const MAX_SEALED: usize = 6 * 1024;

/// Those for so long.
const KEPT: Span = Span::minutes(10);

/// Where a sealed request lies: nothing that was sealed for another place opens as one.
const PLACE: &[u8] = b"authorize";

/// What no sealed request begins with, since base64url has no dot.
const NAME: &str = "n.";

/// The text for a page's URL.
pub(crate) fn seal(ctx: &Ctx, waiting: &Waiting) -> String {
    seal_as(ctx, PLACE, waiting.to_bytes())
}

/// The text for a URL of `place`.
pub(crate) fn seal_as(ctx: &Ctx, place: &[u8], bytes: Vec<u8>) -> String {
    let app = &ctx.app;
    let sealed = URL_SAFE_NO_PAD.encode(app.sealed_requests.seal(&bytes, place, app.random.as_ref()));
    if sealed.len() <= MAX_SEALED {
        return sealed;
    }
    // One request has one name: however often a page shows it, it is kept once (attack DOS-07).
    let name = format!("{NAME}{}", URL_SAFE_NO_PAD.encode(app.request_names.sign(&bytes)));
    let kept = Kept { owner: network(ctx), value: bytes, until: ctx.now + KEPT };
    app.long_requests.put(kept_as(place, &name), kept, ctx.now);
    name
}

fn network(ctx: &Ctx) -> Owner {
    Owner::Network(Prefix::of(ctx.ip).widest())
}

/// Reads the text of a page's URL.
pub(crate) fn unseal(ctx: &Ctx, text: &str) -> Result<Waiting, NoWayBack> {
    let bytes = unseal_as(ctx, PLACE, text).ok_or(NoWayBack::Expired)?;
    Waiting::from_bytes(&bytes, ctx.now)
}

/// Reads the text of a URL of `place`.
pub(crate) fn unseal_as(ctx: &Ctx, place: &[u8], text: &str) -> Option<Vec<u8>> {
    if text.starts_with(NAME) {
        return ctx.app.long_requests.get(&kept_as(place, text), ctx.now);
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    ctx.app.sealed_requests.open(&sealed, place).ok().map(|bytes| bytes.to_vec())
}

fn kept_as(place: &[u8], name: &str) -> Hash {
    sha256(&[place, &[0], name.as_bytes()].concat())
}

/// Keeps a request for the browser that registers an account on its way: the mailed link is opened in a tab of its own.
pub(crate) fn keep_for(ctx: &Ctx, browser: &Hash, waiting: &Waiting) {
    let until = waiting.began_at + countersign_core::authorize::waiting::LIFE;
    let kept = Kept { owner: network(ctx), value: waiting.to_bytes(), until };
    ctx.app.long_requests.put(registering(browser), kept, ctx.now);
}

/// The request that the browser registered for.
pub(crate) fn kept_for(ctx: &Ctx, browser: &Hash) -> Option<Waiting> {
    let kept = ctx.app.long_requests.get(&registering(browser), ctx.now)?;
    Waiting::from_bytes(&kept, ctx.now).ok()
}

/// What begins so is no name of a long request.
fn registering(browser: &Hash) -> Hash {
    sha256(&[&b"registering:"[..], browser.as_bytes()].concat())
}

/// Keeps a pushed request for as long as its reference counts. Anybody can push for a client that proves nothing.
pub(crate) fn push(ctx: &Ctx, client: &Client, (reference, pushed): (&Reference, &Waiting)) {
    let owner = match client.kind() {
        Kind::Confidential => Owner::Client(client.id.clone()),
        Kind::Public => network(ctx),
    };
    let until = ctx.now + countersign_core::authorize::pushed::LIFE;
    let kept = Kept { owner, value: pushed.to_bytes(), until };
    ctx.app.pushed_requests.put(reference.hash(), kept, ctx.now);
}

/// The pushed request of a reference that a browser brings.
pub(crate) fn pushed(ctx: &Ctx, reference: &Reference) -> Option<Waiting> {
    let kept = ctx.app.pushed_requests.get(&reference.hash(), ctx.now)?;
    Waiting::from_bytes(&kept, ctx.now).ok()
}

/// The browser came: the request is there until it completes.
pub(crate) fn keep_pushed(ctx: &Ctx, reference: &Reference) {
    ctx.app.pushed_requests.keep(&reference.hash(), ctx.now + countersign_core::authorize::waiting::LIFE);
}

/// The request completes. `false`: it did before (attack OAU-50).
pub(crate) fn spend(ctx: &Ctx, waiting: &Waiting) -> bool {
    let Some(text) = &waiting.pushed else { return true };
    let reference = Reference::parse(text);
    reference.is_some_and(|it| ctx.app.pushed_requests.take(&it.hash(), ctx.now).is_some())
}
