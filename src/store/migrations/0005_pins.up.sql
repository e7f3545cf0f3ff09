-- The only node an account may be on, when the operator wants that.
CREATE TABLE pins (
  account_id TEXT PRIMARY KEY
    REFERENCES accounts (account_id) ON DELETE CASCADE,
  node_id TEXT NOT NULL REFERENCES nodes (node_id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX pins_node ON pins (node_id);
