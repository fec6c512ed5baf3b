-- One file for all tenants. pos is tenant << 40 | seq, so that a tenant's
-- records lie together in order without an index of their own.
CREATE TABLE tenant (
  no         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  origin     TEXT NOT NULL UNIQUE,
  next       INTEGER NOT NULL DEFAULT 0,
  prev       TEXT NOT NULL,
  sealed     INTEGER NOT NULL DEFAULT 0,
  checkpoint BLOB,
  forgotten  INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE record (
  pos       INTEGER PRIMARY KEY,
  tenant    INTEGER NOT NULL,
  id        TEXT NOT NULL,
  submitter TEXT NOT NULL,
  mac       BLOB NOT NULL,
  type      TEXT NOT NULL,
  run       TEXT NOT NULL,
  leaf      BLOB NOT NULL,
  record    BLOB NOT NULL,
  vault     BLOB
);
-- An id names one record of a tenant, whoever submits it: packets and links
-- speak of records by id.
CREATE UNIQUE INDEX record_id ON record (tenant, id);
CREATE INDEX record_run ON record (run, pos) WHERE run <> '';
-- Erasing a person looks for what the house withholds about them. Most records
-- are of a run or withhold nothing, and cost this index nothing.
CREATE INDEX record_house ON record (pos) WHERE run = '' AND length(vault) > 0;
CREATE INDEX record_type ON record (tenant, type, pos);

CREATE TABLE link (
  tenant INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  id     TEXT NOT NULL,
  pos    INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, id, pos)
) WITHOUT ROWID;

CREATE TABLE projection (
  tenant INTEGER NOT NULL,
  kind   TEXT NOT NULL,
  id     TEXT NOT NULL,
  grp    TEXT NOT NULL,
  status TEXT NOT NULL,
  row    BLOB NOT NULL,
  PRIMARY KEY (tenant, kind, id)
) WITHOUT ROWID;
CREATE INDEX projection_grp ON projection (tenant, kind, grp, id);
CREATE INDEX projection_status ON projection (tenant, kind, status, id);

CREATE TABLE object (
  tenant INTEGER NOT NULL,
  digest TEXT NOT NULL,
  data   BLOB NOT NULL,
  PRIMARY KEY (tenant, digest)
);
