-- The spine: accounts, their sessions and grants, keys, the revocation log, the audit log, the outbox.
-- Portable subset (store/README.md): BIGINT for microseconds and counts, BLOB for ids and hashes, JSON as TEXT.

CREATE TABLE accounts (
    id              BLOB   NOT NULL PRIMARY KEY,
    state           TEXT   NOT NULL,
    version         BIGINT NOT NULL,
    name            TEXT,
    locale          TEXT   NOT NULL,
    sessions_opened BIGINT NOT NULL,
    created_at      BIGINT NOT NULL
);

-- A name is unique within its kind, and the kinds can never collide: an email has an @, a username has none.
CREATE TABLE identifiers (
    kind        TEXT   NOT NULL,
    canonical   TEXT   NOT NULL,
    display     TEXT   NOT NULL,
    account_id  BLOB   NOT NULL REFERENCES accounts (id),
    verified_at BIGINT,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (kind, canonical)
);
CREATE INDEX identifiers_by_account ON identifiers (account_id);

CREATE TABLE credentials (
    id         BLOB   NOT NULL PRIMARY KEY,
    account_id BLOB   NOT NULL REFERENCES accounts (id),
    kind       TEXT   NOT NULL,
    data       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX credentials_by_account ON credentials (account_id);
CREATE UNIQUE INDEX credentials_one_password ON credentials (account_id) WHERE kind = 'password';

CREATE TABLE roles (
    account_id BLOB   NOT NULL REFERENCES accounts (id),
    role       TEXT   NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, role)
);

CREATE TABLE pending_accounts (
    id         BLOB   NOT NULL PRIMARY KEY,
    email      TEXT   NOT NULL,
    slot       BIGINT NOT NULL,
    display    TEXT   NOT NULL,
    name       TEXT,
    locale     TEXT   NOT NULL,
    password   TEXT   NOT NULL,
    token_hash BLOB   NOT NULL,
    code       BLOB   NOT NULL,
    browser    BLOB,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    spent_at   BIGINT
);
CREATE UNIQUE INDEX pending_accounts_by_token ON pending_accounts (token_hash);
CREATE UNIQUE INDEX pending_accounts_by_slot ON pending_accounts (email, slot);

-- Wrong codes of an address over all its registrations.
CREATE TABLE code_tries (
    email      TEXT   NOT NULL PRIMARY KEY,
    tries      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE resets (
    id         BLOB   NOT NULL PRIMARY KEY,
    account_id BLOB   NOT NULL REFERENCES accounts (id),
    token_hash BLOB   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    dead_at    BIGINT
);
CREATE UNIQUE INDEX resets_by_token ON resets (token_hash);
CREATE INDEX resets_by_account ON resets (account_id);

CREATE TABLE status_lists (
    id         BLOB   NOT NULL PRIMARY KEY,
    next_index BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL
);

CREATE TABLE sessions (
    id               BLOB   NOT NULL PRIMARY KEY,
    account_id       BLOB   NOT NULL REFERENCES accounts (id),
    secret_hash      BLOB,
    face             TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    seen_at          BIGINT NOT NULL,
    idle_ends_at     BIGINT NOT NULL,
    absolute_ends_at BIGINT NOT NULL,
    ended_at         BIGINT,
    end_reason       TEXT,
    amr              TEXT   NOT NULL,
    acr              TEXT   NOT NULL,
    remember         BIGINT NOT NULL,
    browser          TEXT,
    system           TEXT,
    ip               TEXT,
    list_id          BLOB   NOT NULL,
    list_index       BIGINT NOT NULL,
    grants_opened    BIGINT NOT NULL
);
CREATE UNIQUE INDEX sessions_by_secret ON sessions (secret_hash);
CREATE UNIQUE INDEX sessions_by_index ON sessions (list_id, list_index);
CREATE INDEX sessions_by_account ON sessions (account_id, created_at);
CREATE INDEX sessions_by_end ON sessions (absolute_ends_at);

CREATE TABLE clients (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    first_party BIGINT NOT NULL,
    disabled_at BIGINT,
    created_at  BIGINT NOT NULL
);
INSERT INTO clients (id, name, kind, first_party, created_at) VALUES ('countersign', 'Countersign', 'public', 1, 0);

CREATE TABLE resources (
    identifier TEXT   NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE grants (
    id         BLOB   NOT NULL PRIMARY KEY,
    account_id BLOB   NOT NULL REFERENCES accounts (id),
    client_id  TEXT   NOT NULL REFERENCES clients (id),
    session_id BLOB   REFERENCES sessions (id),
    scopes     TEXT   NOT NULL,
    resources  TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    rotated_at BIGINT,
    salt       BLOB   NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    ended_at   BIGINT,
    end_reason TEXT,
    list_id    BLOB   NOT NULL,
    list_index BIGINT NOT NULL
);
CREATE INDEX grants_by_session ON grants (session_id);
CREATE INDEX grants_by_account ON grants (account_id);
CREATE UNIQUE INDEX grants_by_index ON grants (list_id, list_index);

CREATE TABLE keys (
    kid        TEXT   NOT NULL PRIMARY KEY,
    alg        TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    public     TEXT   NOT NULL,
    sealed     BLOB,
    created_at BIGINT NOT NULL,
    since      BIGINT NOT NULL
);
-- One key signs for an algorithm, and one waits: two nodes that make keys at once cannot both succeed.
CREATE UNIQUE INDEX keys_one_active ON keys (alg) WHERE state = 'active';
CREATE UNIQUE INDEX keys_one_next ON keys (alg) WHERE state = 'next';

CREATE TABLE refresh_keys (
    number     BIGINT NOT NULL PRIMARY KEY,
    sealed     BLOB   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE revocation_seq (
    id  BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
);
INSERT INTO revocation_seq (id, seq) VALUES (1, 0);

-- The log. `seq` comes from revocation_seq, whose row lock makes it the order of commits; one batch shares one.
CREATE TABLE revocations (
    seq        BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    list_id    BLOB,
    list_index BIGINT,
    subject    BLOB,
    at         BIGINT NOT NULL,
    until_at   BIGINT NOT NULL
);
CREATE INDEX revocations_by_seq ON revocations (seq);
CREATE INDEX revocations_by_until ON revocations (until_at);

CREATE TABLE audit (
    id         BLOB   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    account_id BLOB,
    session_id BLOB,
    grant_id   BLOB,
    client_id  TEXT,
    ip         TEXT,
    request_id BLOB,
    detail     TEXT   NOT NULL
);
CREATE INDEX audit_by_account ON audit (account_id, id);
CREATE INDEX audit_by_at ON audit (at);

-- The outbox. What a job says lies sealed; whom it goes to, only as a hash, for the caps.
CREATE TABLE jobs (
    id         BLOB   NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL,
    recipient  BLOB   NOT NULL,
    sealed     BLOB   NOT NULL,
    created_at BIGINT NOT NULL,
    run_at     BIGINT NOT NULL,
    tries      BIGINT NOT NULL,
    done_at    BIGINT,
    failed_at  BIGINT
);
-- Only what still waits: the outbox is asked every second, and what was sent stays for a day.
CREATE INDEX jobs_by_run ON jobs (run_at) WHERE done_at IS NULL AND failed_at IS NULL;
CREATE INDEX jobs_by_recipient ON jobs (recipient, kind, created_at);
