-- A lease's holder renews it; who gives accounts away watches the counter.
ALTER TABLE leases ADD COLUMN renewals INTEGER NOT NULL DEFAULT 0;
-- The longest its holder was told within this epoch.
ALTER TABLE leases ADD COLUMN ttl INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN session_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN route_version INTEGER NOT NULL DEFAULT -1;
ALTER TABLE leases ADD COLUMN fetched INTEGER NOT NULL DEFAULT 1;
UPDATE leases SET ttl = coalesce((SELECT CAST(value AS INTEGER) FROM kv WHERE
  key = 'lease_hold_us'), 0);
DELETE FROM kv WHERE key = 'lease_hold_us';

ALTER TABLE nodes ADD COLUMN beats INTEGER NOT NULL DEFAULT 0;
-- Which beat was the last: an older one changes nothing.
ALTER TABLE nodes ADD COLUMN boots INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN old_boot_id TEXT;
ALTER TABLE nodes ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;
-- Its accounts were marked: what is stored is not what it said last.
ALTER TABLE nodes ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;

CREATE TABLE replicas (
  replica_id TEXT PRIMARY KEY,
  beats INTEGER NOT NULL,
  seen INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE jobs ADD COLUMN owner TEXT;
