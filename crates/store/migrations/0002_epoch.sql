-- Runs with: 2
-- A binary that does not know the epoch would let in what it ended.
--
-- The not-before of everything, marks that entries of the log bring it to other nodes, and indexes for what the
-- clean-up looks for (it would walk whole tables else).

CREATE TABLE epoch (
    id         BIGINT NOT NULL PRIMARY KEY,
    not_before BIGINT NOT NULL,
    set_at     BIGINT NOT NULL
);
INSERT INTO epoch (id, not_before, set_at) VALUES (1, 0, 0);

ALTER TABLE revocations ADD COLUMN not_before BIGINT;

CREATE INDEX sessions_by_idle_end ON sessions (idle_ends_at);
CREATE INDEX sessions_by_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX pending_accounts_by_expiry ON pending_accounts (expires_at);
CREATE INDEX resets_by_expiry ON resets (expires_at);
CREATE INDEX code_tries_by_expiry ON code_tries (expires_at);
CREATE INDEX jobs_by_done ON jobs (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX jobs_by_failed ON jobs (failed_at) WHERE failed_at IS NOT NULL;
