//! Tokens, keys, secrets, and the JSON inside them.

use std::sync::LazyLock;

use countersign_core::account::Version;
use countersign_core::grant::refresh_token::RefreshToken;
use countersign_core::grant::{Generation, Salt};
use countersign_core::random::Counter;
use countersign_core::revocation::Epoch;
use countersign_core::seal::{MasterKey, Purpose, Sealer};
use countersign_core::secret::{MacKey, Secret};
use countersign_core::throttle::KnownDevice;
use countersign_core::throttle::known_device::Standing;
use countersign_core::{AccountId, GrantId, SessionId, Time};
use countersign_jose::json::Value;
use countersign_jose::{
    AccessToken, Alg, Audience, Error, Header, Jwk, JwkSet, KeySet, MAX_LEN, MAX_TIME, Policy, SigningKey,
    StatusBits, StatusListToken, Unverified, jws, verify,
};
use serde_json::{Value as Json, json};

use super::text;

const ISSUER: &str = "https://id.example";
const NOW: i64 = 1_800_000_000;
const LEEWAY: i64 = 30;

/// A key whose signatures are the same in every run, the token that it signed, and what verifies it.
struct Known {
    key: SigningKey,
    keys: KeySet,
    token: String,
}

#[expect(clippy::expect_used, reason = "a fixed key and fixed claims: the same result in every run")]
static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut pkcs8 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    pkcs8.extend_from_slice(b"thirty-two bytes of no secret at");
    let key = SigningKey::from_pkcs8(Alg::EdDsa, &pkcs8).expect("an Ed25519 key");
    let claims = json!({
        "iss": ISSUER, "sub": "acc_1", "aud": [ISSUER], "exp": NOW + 300, "iat": NOW, "jti": "tok_1",
        "client_id": "countersign", "scope": "account",
        "status": { "status_list": { "idx": 7, "uri": "https://id.example/statuslists/1" } },
    });
    let token = key.sign(&Header { typ: AccessToken::TYP }, &claims).expect("a token");
    let keys = KeySet::new([key.verifying().expect("its public key")]).expect("a set of one");
    Known { key, keys, token }
});

fn policy(typ: &'static str) -> Policy<'static> {
    Policy {
        typ,
        algs: Alg::ALL,
        issuer: ISSUER,
        audience: Audience::AnyOf(&[ISSUER]),
        now: NOW,
        leeway: LEEWAY,
        max_len: MAX_LEN,
    }
}

/// Whatever is not, byte for byte, the token that was signed does not verify (attacks JWT-23, JWT-24).
pub(super) fn access_token(input: &[u8]) {
    let (text, known) = (text(input), &*KNOWN);
    let genuine = text == known.token;
    assert_eq!(verify::<AccessToken>(text, &known.keys, &policy(AccessToken::TYP)).is_ok(), genuine);
    assert_eq!(jws::verify_compact(text, &known.keys, Alg::ALL).is_ok(), genuine);
    assert!(verify::<StatusListToken>(text, &known.keys, &policy(StatusListToken::TYP)).is_err());
    // Unread or read, an unverified token is only ever looked at.
    assert!(Unverified::peek(text).is_ok() || !genuine);
}

/// Claims that somebody signed: accepted only where all that is needed is there, ours, and in time.
pub(super) fn claims(input: &[u8]) {
    let Ok(value @ Json::Object(_)) = serde_json::from_slice::<Json>(input) else { return };
    let known = &*KNOWN;
    let Ok(token) = known.key.sign(&Header { typ: AccessToken::TYP }, &value) else { return };
    let Ok(verified) = verify::<AccessToken>(&token, &known.keys, &policy(AccessToken::TYP)) else { return };
    let claims = verified.claims();
    assert_eq!(claims.iss, ISSUER);
    assert!(claims.aud.iter().any(|audience| audience == ISSUER));
    assert!(claims.exp > NOW - LEEWAY && claims.exp <= MAX_TIME);
    assert!(claims.iat <= NOW + LEEWAY);
    assert!((1..=255).contains(&claims.sub.len()));
    // A malformed claim is never the same as an absent one: what was read is what was written (invariant I8).
    for (name, read) in [("sub", &claims.sub), ("client_id", &claims.client_id)] {
        assert_eq!(value.get(name).and_then(Json::as_str), Some(read.as_str()), "{name}");
    }
    let scope = value.get("scope").map_or(Some(""), Json::as_str);
    assert_eq!(scope, Some(claims.scope.as_str()), "only an absent scope is none");
}

/// A key is public, has one algorithm, and what is published of it is the same key.
pub(super) fn jwk(input: &[u8]) {
    if let Ok(jwk) = Jwk::parse(input) {
        let published = serde_json::to_vec(&jwk).unwrap_or_default();
        assert_eq!(Jwk::parse(&published).as_ref(), Ok(&jwk));
        assert!((1..=256).contains(&jwk.kid().len()) && jwk.thumbprint().len() == 43);
        for private in ["\"d\":", "\"p\":", "\"q\":", "\"k\":", "\"priv\":"] {
            assert!(!text(&published).contains(private), "{private}");
        }
    }
    if let Ok(set) = JwkSet::parse(input) {
        assert!(set.keys().iter().all(|key| set.get(key.kid()) == Some(key)), "each name once");
        let published = serde_json::to_vec(&set).unwrap_or_default();
        assert_eq!(JwkSet::parse(&published).as_ref(), Ok(&set));
        assert_eq!(KeySet::from_jwks(&set).map(|keys| keys.keys().len()), Ok(set.keys().len()));
    }
}

/// What we take for JSON is JSON to others too, and the same value.
pub(super) fn strict_json(input: &[u8]) {
    let Ok(ours) = Value::parse(input) else { return };
    let theirs = serde_json::from_slice::<Json>(input);
    assert!(theirs.is_ok_and(|theirs| same(&ours, &theirs)), "read differently elsewhere");
    assert!(depth(&ours) <= countersign_jose::json::MAX_DEPTH);
}

fn depth(value: &Value<'_>) -> usize {
    match value {
        Value::Array(all) => 1 + all.iter().map(depth).max().unwrap_or(0),
        Value::Object(object) => 1 + object.members().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

fn same(ours: &Value<'_>, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Value::Null, Json::Null) => true,
        (Value::Bool(one), Json::Bool(other)) => one == other,
        (Value::Integer(one), Json::Number(other)) => Some(*one) == other.as_i64(),
        // Two readers may round the last bit of a fraction differently.
        (Value::Float(one), Json::Number(other)) => {
            other.as_f64().is_some_and(|other| (one - other).abs() <= one.abs() * 1e-15)
        }
        (Value::String(one), Json::String(other)) => one == other,
        (Value::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Json::Object(other)) => {
            one.members().count() == other.len()
                && one.members().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => false,
    }
}

/// A list of bits: two bytes say how many are expected, the rest is the `lst` member. It never unpacks to more.
pub(super) fn status_list(input: &[u8]) {
    let Some((size, lst)) = input.split_first_chunk::<2>() else { return };
    let len = usize::from(u16::from_be_bytes(*size));
    let Ok(bits) = StatusBits::decode(text(lst), len) else { return };
    assert_eq!((bits.len(), bits.as_bytes().len()), (len, len.div_ceil(8)));
    assert_eq!(bits.get(len), None);
    let again = bits.encode().and_then(|lst| StatusBits::decode(&lst, len));
    assert_eq!(again, Ok(bits));
    assert_eq!(StatusBits::decode(text(lst), len + 8), Err(Error::StatusList));
}

static MAC: LazyLock<MacKey> = LazyLock::new(|| MacKey::new(b"thirty-two bytes of no secret at"));

/// A refresh token that is genuine has no second spelling; changed in one character it is none.
pub(super) fn refresh_token(input: &[u8]) {
    let text = text(input);
    if let Ok(token) = RefreshToken::verify(text, |_| Some(&*MAC)) {
        assert_eq!(token.encode(&MAC), text);
    }
    let Some((head, tail)) = input.split_first_chunk::<44>() else { return };
    let (key, rest) = head.split_at(4);
    let token = RefreshToken {
        key: key.iter().fold(0, |key, byte| key << 8 | u32::from(*byte)),
        grant: GrantId::from_bytes(array(rest)),
        generation: Generation(i64::from_be_bytes(array(&rest[16..]))),
        salt: Salt(array(&rest[24..])),
    };
    let good = token.encode(&MAC);
    assert_eq!(RefreshToken::verify(&good, |_| Some(&*MAC)), Ok(token));
    let [place, byte, ..] = tail else { return };
    let mut changed = good.clone().into_bytes();
    let place = usize::from(*place) % changed.len();
    changed[place] = byte & 0x7f;
    let changed = self::text(&changed);
    assert!(changed == good || RefreshToken::verify(changed, |_| Some(&*MAC)).is_err());
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

/// Secrets and ids have one text, and an id is of one kind.
pub(super) fn secret(input: &[u8]) {
    let text = text(input);
    if let Ok(secret) = Secret::parse(text) {
        assert_eq!(secret.reveal(), text);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
    if let Ok(id) = SessionId::parse(text) {
        assert_eq!(id.to_string(), text);
        assert!(AccountId::parse(text).is_err());
    }
    if let Some(bytes) = input.first_chunk() {
        let id = SessionId::from_bytes(*bytes);
        assert_eq!(SessionId::parse(&id.to_string()), Ok(id));
    }
}

#[expect(clippy::expect_used, reason = "a fixed key: the same result in every run")]
static SEALER: LazyLock<Sealer> =
    LazyLock::new(|| MasterKey::new((0..32).collect()).expect("different bytes").sealer(Purpose::Outbox));

/// What is sealed opens at its own place; nothing else opens.
pub(super) fn sealed(input: &[u8]) {
    assert!(SEALER.open(input, b"place").is_err());
    let mut sealed = SEALER.seal(input, b"place", &Counter::new(1));
    assert!(SEALER.open(&sealed, b"place").is_ok_and(|plain| *plain == input));
    assert!(SEALER.open(&sealed, b"elsewhere").is_err());
    let place = input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % sealed.len();
    sealed[place] ^= 1;
    assert!(SEALER.open(&sealed, b"place").is_err());
}

const KIM: AccountId = AccountId::from_bytes([1; 16]);
const LEE: AccountId = AccountId::from_bytes([2; 16]);
const TODAY: Time = Time::from_micros(NOW * 1_000_000);

/// An account as it was registered.
fn of(account: AccountId) -> Standing {
    Standing { account, version: Version(1), epoch: Epoch::BEGINNING }
}

/// The device that both logged in on.
static DEVICE: LazyLock<KnownDevice> = LazyLock::new(|| {
    let once = KnownDevice::after_login(None, &of(KIM), (TODAY, &Counter::new(1)), &MAC);
    KnownDevice::after_login(Some(&once), &of(LEE), (TODAY, &Counter::new(2)), &MAC)
});

/// One text, and nobody is known but on the device where they logged in (attack LOG-15).
pub(super) fn known_device(input: &[u8]) {
    let Some(device) = KnownDevice::parse(text(input)) else { return };
    assert_eq!(device.encode(), text(input));
    for account in [KIM, LEE] {
        let claimed = device.known_to(&of(account), TODAY, &MAC);
        assert!(claimed.is_none() || claimed == DEVICE.known_to(&of(account), TODAY, &MAC));
    }
    assert_eq!(device.known_to(&of(AccountId::from_bytes([3; 16])), TODAY, &MAC), None);
}
