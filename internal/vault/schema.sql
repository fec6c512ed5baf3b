-- Keys by name and generation. One that was destroyed keeps its row as a
-- tombstone, with the erasure that took it and nothing to decrypt with.
CREATE TABLE IF NOT EXISTS key (
  tenant    TEXT NOT NULL,
  name      TEXT NOT NULL,
  gen       INTEGER NOT NULL,
  subject   TEXT NOT NULL,
  run       TEXT NOT NULL,
  wrapped   BLOB,
  destroyed TEXT NOT NULL DEFAULT '',
  erasure   TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, name, gen)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS key_subject ON key (tenant, subject) WHERE subject <> '';
CREATE INDEX IF NOT EXISTS key_run ON key (tenant, run) WHERE run <> '';

-- Who is known by which pseudonym, by MAC.
CREATE TABLE IF NOT EXISTS subject (
  tenant TEXT NOT NULL,
  mac    BLOB NOT NULL,
  ref    TEXT NOT NULL UNIQUE,
  PRIMARY KEY (tenant, mac)
) WITHOUT ROWID;

-- The erasures that these keys went by, as the log sealed them: a copy of the
-- keys that is newer than a copy of the records still says what was erased.
CREATE TABLE IF NOT EXISTS erasure (
  tenant TEXT NOT NULL,
  id     TEXT NOT NULL,
  leaf   BLOB NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;

-- Until when retention has looked at a tenant.
CREATE TABLE IF NOT EXISTS retention (
  tenant TEXT PRIMARY KEY,
  until  TEXT NOT NULL
) WITHOUT ROWID;
