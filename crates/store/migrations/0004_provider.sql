-- Runs with: 2
-- Columns are added with a value that the release before means too; it knows nothing of the new tables.
--
-- The provider: clients that are registered, what accounts let them do, and what is spent once.

-- What a client is, as RFC 7591 names it, lies in `metadata` as JSON. `kind` follows from it.
ALTER TABLE clients ADD COLUMN origin TEXT NOT NULL DEFAULT 'operator';
ALTER TABLE clients ADD COLUMN profile TEXT NOT NULL DEFAULT 'oauth21';
ALTER TABLE clients ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE clients ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
-- A client that registered itself and is not used ends.
ALTER TABLE clients ADD COLUMN expires_at BIGINT;
-- SHA-256 of the token that its owner manages it with (RFC 7592).
ALTER TABLE clients ADD COLUMN registration_hash BLOB;
-- Whether `metadata` names an address where it is told of logouts.
ALTER TABLE clients ADD COLUMN hears_logouts BIGINT NOT NULL DEFAULT 0;
-- The place of its own tokens (client_credentials) in a status list.
ALTER TABLE clients ADD COLUMN list_id BLOB;
ALTER TABLE clients ADD COLUMN list_index BIGINT;
UPDATE clients
   SET origin = 'built_in',
       metadata = '{"client_name":"Countersign","token_endpoint_auth_method":"none","grant_types":["refresh_token"],"response_types":[]}'
 WHERE id = 'countersign';
CREATE INDEX clients_by_expiry ON clients (expires_at) WHERE expires_at IS NOT NULL;

-- Two at a time while one takes the place of the other. `sealed` only where the secret itself is the key of a MAC
-- (client_secret_jwt).
CREATE TABLE client_secrets (
    id         BLOB   NOT NULL PRIMARY KEY,
    client_id  TEXT   NOT NULL REFERENCES clients (id),
    hash       BLOB   NOT NULL,
    sealed     BLOB,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

-- What the login behind a grant proved, for grants that outlive their session; `opened_by` is that session, still there
-- or not. `cnf` is the key that its tokens are bound to, `claims` what was asked for one by one.
ALTER TABLE grants ADD COLUMN opened_by BLOB;
ALTER TABLE grants ADD COLUMN authenticated_at BIGINT;
ALTER TABLE grants ADD COLUMN amr TEXT;
ALTER TABLE grants ADD COLUMN acr TEXT;
ALTER TABLE grants ADD COLUMN cnf TEXT;
ALTER TABLE grants ADD COLUMN claims TEXT;
ALTER TABLE grants ADD COLUMN absolute_ends_at BIGINT;
CREATE INDEX grants_by_opener ON grants (opened_by);
CREATE INDEX grants_by_client ON grants (client_id);
CREATE INDEX grants_by_absolute_end ON grants (absolute_ends_at) WHERE absolute_ends_at IS NOT NULL;

CREATE TABLE codes (
    hash             BLOB   NOT NULL PRIMARY KEY,
    client_id        TEXT   NOT NULL REFERENCES clients (id),
    account_id       BLOB   NOT NULL REFERENCES accounts (id),
    session_id       BLOB   NOT NULL,
    redirect_uri     TEXT,
    scopes           TEXT   NOT NULL,
    resources        TEXT   NOT NULL,
    challenge        TEXT,
    challenge_method TEXT,
    nonce            TEXT,
    cnf              TEXT,
    claims           TEXT,
    authenticated_at BIGINT NOT NULL,
    amr              TEXT   NOT NULL,
    acr              TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    used_at          BIGINT,
    grant_id         BLOB
);
CREATE INDEX codes_by_expiry ON codes (expires_at);
CREATE INDEX codes_by_account ON codes (account_id);
CREATE INDEX codes_by_client ON codes (client_id);

-- `user_code` is a MAC: eight characters are too few for a plain hash.
CREATE TABLE device_codes (
    hash             BLOB   NOT NULL PRIMARY KEY,
    user_code        BLOB   NOT NULL,
    client_id        TEXT   NOT NULL REFERENCES clients (id),
    scopes           TEXT   NOT NULL,
    resources        TEXT   NOT NULL,
    cnf              TEXT,
    ip               TEXT,
    state            TEXT   NOT NULL,
    account_id       BLOB   REFERENCES accounts (id),
    session_id       BLOB,
    authenticated_at BIGINT,
    amr              TEXT,
    acr              TEXT,
    poll_interval    BIGINT NOT NULL,
    next_poll_at     BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    grant_id         BLOB
);
CREATE UNIQUE INDEX device_codes_by_user_code ON device_codes (user_code);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);
CREATE INDEX device_codes_by_account ON device_codes (account_id);
CREATE INDEX device_codes_by_client ON device_codes (client_id);

CREATE TABLE consents (
    account_id BLOB   NOT NULL REFERENCES accounts (id),
    client_id  TEXT   NOT NULL REFERENCES clients (id),
    scopes     TEXT   NOT NULL,
    resources  TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, client_id)
);
CREATE INDEX consents_by_client ON consents (client_id);

-- Logouts that a client has yet to hear of (back-channel logout). Nothing here refers to a row: session, account and
-- client may all be gone by the time, and what the client is told follows from these ids.
CREATE TABLE backchannel_logouts (
    client_id  TEXT   NOT NULL,
    session_id BLOB   NOT NULL,
    account_id BLOB   NOT NULL,
    ended_at   BIGINT NOT NULL,
    run_at     BIGINT NOT NULL,
    tries      BIGINT NOT NULL,
    PRIMARY KEY (client_id, session_id)
);
CREATE INDEX backchannel_logouts_by_run ON backchannel_logouts (run_at);

-- Marks of what counts once: assertions and DPoP proofs by their jti. Each kind is a name space of its own.
CREATE TABLE spent (
    kind     TEXT   NOT NULL,
    hash     BLOB   NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (kind, hash)
);
CREATE INDEX spent_by_until ON spent (until_at);

-- The standard claims of OpenID Connect that are no identifier, as JSON, and when they were changed last.
ALTER TABLE accounts ADD COLUMN profile TEXT NOT NULL DEFAULT '{}';
ALTER TABLE accounts ADD COLUMN profile_changed_at BIGINT;
