-- Chat scripts as documents.  `version` counts what was stored, from 1; `label` is
-- what the script calls itself.  A deployment is one command to one node: while the
-- command is there it tells the state, afterwards the row does (a command that was
-- taken back leaves what the row began with).
CREATE TABLE scripts (
  script_id TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE script_versions (
  script_id TEXT NOT NULL REFERENCES scripts (script_id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  label TEXT NOT NULL,
  sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
  size INTEGER NOT NULL,
  content BLOB NOT NULL,
  author TEXT NOT NULL,
  note TEXT,
  created INTEGER NOT NULL,
  PRIMARY KEY (script_id, version)
);
CREATE TABLE script_deployments (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  command_id TEXT NOT NULL UNIQUE,
  script_id TEXT NOT NULL REFERENCES scripts (script_id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  node_id TEXT NOT NULL REFERENCES nodes (node_id) ON DELETE CASCADE,
  created_by TEXT NOT NULL,
  created INTEGER NOT NULL,
  state INTEGER NOT NULL,
  error TEXT,
  finished INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX script_deployments_script ON script_deployments (script_id, seq);
CREATE INDEX script_deployments_node ON script_deployments (node_id, script_id, seq);
CREATE INDEX script_deployments_created ON script_deployments (created);
