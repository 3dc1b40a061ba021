-- What the wall clock said last, and for how much longer it was to be distrusted: a restart begins with it.
-- Runs with: 2

ALTER TABLE heartbeat ADD COLUMN clock_at BIGINT;
ALTER TABLE heartbeat ADD COLUMN clock_wary BIGINT;
