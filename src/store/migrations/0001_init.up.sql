-- Times are microseconds since 1970 UTC; NULL or 0 is never.

CREATE TABLE kv (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
  disabled INTEGER NOT NULL DEFAULT 0,
  failed_logins INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER NOT NULL DEFAULT 0,
  last_login INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL
);

CREATE TABLE logins (
  token BLOB PRIMARY KEY CHECK (length(token) = 32),
  csrf BLOB NOT NULL CHECK (length(csrf) = 32),
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  remote TEXT,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX logins_user ON logins (user_id);
CREATE INDEX logins_expires ON logins (expires);

CREATE TABLE apikeys (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  role TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL DEFAULT 0,
  last_used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT,
  before TEXT,
  after TEXT,
  remote TEXT,
  request_id TEXT
);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_target ON audit (target, id);

CREATE TABLE idem (
  actor TEXT NOT NULL,
  key TEXT NOT NULL,
  request BLOB NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (actor, key)
) WITHOUT ROWID;
CREATE INDEX idem_created ON idem (created);

CREATE TABLE joins (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  label TEXT,
  created_by TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0,
  used_by_node TEXT
) WITHOUT ROWID;

CREATE TABLE nodes (
  node_id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  token BLOB NOT NULL UNIQUE CHECK (length(token) = 32),
  public_key BLOB CHECK (public_key IS NULL OR length(public_key) = 32),
  draining INTEGER NOT NULL DEFAULT 0,
  ack_on_delivery INTEGER NOT NULL DEFAULT 0,
  allow_plain INTEGER NOT NULL DEFAULT 0,
  hostname TEXT,
  version TEXT,
  boot_id TEXT,
  status TEXT,
  metadata TEXT,
  max_accounts INTEGER NOT NULL DEFAULT 1000,
  last_heartbeat INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
  account_id TEXT PRIMARY KEY,
  phone TEXT,
  username TEXT,
  display_name TEXT,
  user_id INTEGER NOT NULL DEFAULT 0,
  source TEXT NOT NULL CHECK (source IN ('local', 'remote')),
  node_id TEXT REFERENCES nodes (node_id) ON DELETE SET NULL,
  enabled INTEGER NOT NULL,
  desired_online INTEGER NOT NULL,
  script_id TEXT,
  priority INTEGER NOT NULL DEFAULT 0,
  attested_by TEXT,
  attested_at INTEGER NOT NULL DEFAULT 0,
  status TEXT NOT NULL DEFAULT 'offline',
  status_since INTEGER NOT NULL DEFAULT 0,
  error_code TEXT,
  error_message TEXT,
  error_advice TEXT,
  limited_until INTEGER NOT NULL DEFAULT 0,
  message_count INTEGER NOT NULL DEFAULT 0,
  reply_count INTEGER NOT NULL DEFAULT 0,
  messages_today INTEGER NOT NULL DEFAULT 0,
  replies_today INTEGER NOT NULL DEFAULT 0,
  today INTEGER NOT NULL DEFAULT 0,
  -- what the node counted so far, and in which life of which node
  counted_by TEXT,
  counted_messages INTEGER NOT NULL DEFAULT 0,
  counted_replies INTEGER NOT NULL DEFAULT 0,
  last_activity INTEGER NOT NULL DEFAULT 0,
  session_file TEXT,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE INDEX accounts_node ON accounts (node_id, status);
CREATE INDEX accounts_status ON accounts (status);
CREATE INDEX accounts_script ON accounts (script_id);
CREATE INDEX accounts_created ON accounts (created);

CREATE TABLE account_tags (
  account_id TEXT NOT NULL
    REFERENCES accounts (account_id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  PRIMARY KEY (account_id, tag)
) WITHOUT ROWID;
CREATE INDEX account_tags_tag ON account_tags (tag, account_id);

-- No reference to accounts: a quarantined record outlives its account.
CREATE TABLE sessions (
  account_id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  sealed BLOB,
  wrapped_key BLOB,
  fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
  flavour TEXT NOT NULL,
  dc_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL DEFAULT 0,
  filename TEXT,
  created INTEGER NOT NULL,
  quarantined INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, version)
);
CREATE UNIQUE INDEX sessions_live_key ON sessions (fingerprint)
  WHERE quarantined = 0;
CREATE UNIQUE INDEX sessions_live_account ON sessions (account_id)
  WHERE quarantined = 0;
CREATE INDEX sessions_quarantined ON sessions (quarantined);

-- No reference to accounts: an epoch is never used again, even if the account
-- is deleted and made anew.
CREATE TABLE leases (
  account_id TEXT PRIMARY KEY,
  node_id TEXT NOT NULL,
  epoch INTEGER NOT NULL CHECK (epoch > 0),
  released INTEGER NOT NULL DEFAULT 0,
  granted INTEGER NOT NULL,
  renewed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX leases_out ON leases (node_id, account_id) WHERE released = 0;

CREATE TABLE grants (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  node_id TEXT NOT NULL REFERENCES nodes (node_id) ON DELETE CASCADE,
  account_id TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  session_version INTEGER NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX grants_expires ON grants (expires);
CREATE INDEX grants_node ON grants (node_id);

CREATE TABLE findings (
  kind TEXT NOT NULL,
  account_id TEXT NOT NULL,
  node_id TEXT NOT NULL,
  detail TEXT,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  count INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (kind, account_id, node_id)
) WITHOUT ROWID;

CREATE TABLE commands (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  command_id TEXT NOT NULL UNIQUE,
  node_id TEXT NOT NULL REFERENCES nodes (node_id) ON DELETE CASCADE,
  action TEXT NOT NULL,
  params TEXT,
  created_by TEXT,
  state INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  delivered INTEGER NOT NULL DEFAULT 0,
  finished INTEGER NOT NULL DEFAULT 0,
  deliveries INTEGER NOT NULL DEFAULT 0,
  data TEXT,
  error TEXT
);
CREATE INDEX commands_node ON commands (node_id, seq);
-- states 0, 1, 2: queued, delivered, running
CREATE INDEX commands_pending ON commands (node_id, seq) WHERE state < 3;
CREATE INDEX commands_expires ON commands (expires) WHERE state < 3;
CREATE INDEX commands_finished ON commands (finished) WHERE state > 2;

CREATE TABLE jobs (
  job_id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  progress TEXT,
  result TEXT,
  error TEXT,
  created_by TEXT,
  created INTEGER NOT NULL,
  started INTEGER NOT NULL DEFAULT 0,
  finished INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX jobs_created ON jobs (created);
CREATE INDEX jobs_state ON jobs (state, created);
