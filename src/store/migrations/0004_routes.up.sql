-- How accounts are reached, other than directly.  The whole of a route is sealed;
-- what people may see stands beside it.  The version grows with every change and
-- outlives a route that was taken away, so that a node notices; `tested` is the
-- version whose test passed.
CREATE TABLE routes (
  account_id TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  kind TEXT,
  host TEXT,
  port INTEGER NOT NULL DEFAULT 0,
  login TEXT,
  sealed BLOB,
  wrapped_key BLOB,
  tested INTEGER NOT NULL DEFAULT 0,
  test TEXT
) WITHOUT ROWID;
