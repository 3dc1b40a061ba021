-- What `/readyz` writes to prove that the store takes writes. Nothing is decided by it.
-- Runs with: 2

CREATE TABLE heartbeat (
    id    BIGINT NOT NULL PRIMARY KEY,
    beats BIGINT NOT NULL
);
INSERT INTO heartbeat (id, beats) VALUES (1, 0);
