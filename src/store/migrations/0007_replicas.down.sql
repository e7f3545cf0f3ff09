INSERT INTO kv (key, value) SELECT 'lease_hold_us', '' || 2 * max(ttl) FROM
  leases WHERE released = 0 AND ttl > 0 HAVING max(ttl) > 0;
ALTER TABLE jobs DROP COLUMN owner;
DROP TABLE replicas;
ALTER TABLE nodes DROP COLUMN stale;
ALTER TABLE nodes DROP COLUMN leaving;
ALTER TABLE nodes DROP COLUMN old_boot_id;
ALTER TABLE nodes DROP COLUMN seq;
ALTER TABLE nodes DROP COLUMN boots;
ALTER TABLE nodes DROP COLUMN beats;
ALTER TABLE leases DROP COLUMN fetched;
ALTER TABLE leases DROP COLUMN route_version;
ALTER TABLE leases DROP COLUMN session_version;
ALTER TABLE leases DROP COLUMN ttl;
ALTER TABLE leases DROP COLUMN renewals;
