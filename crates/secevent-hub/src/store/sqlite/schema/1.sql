-- One row: who this store is. `last_stream` and `last_audience` only ever grow.
CREATE TABLE origin (
    incarnation   INTEGER NOT NULL,
    sealing_key   BLOB    NOT NULL,
    last_stream   INTEGER NOT NULL DEFAULT 0,
    last_audience INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The routing log: what a stream far behind reads instead of bodies.
CREATE TABLE route (
    seq     INTEGER PRIMARY KEY,
    subject INTEGER NOT NULL,
    streams BLOB    NOT NULL
) STRICT;

CREATE TABLE event (
    seq  INTEGER PRIMARY KEY,
    iat  INTEGER NOT NULL,
    body TEXT    NOT NULL
) STRICT;

CREATE TABLE stream (
    no     INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    cursor BLOB NOT NULL
) STRICT;

CREATE TABLE dead_letter (
    stream INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    reason TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT, WITHOUT ROWID;

-- What the receiver role accepted; (iss, jti) is the replay filter.
CREATE TABLE received (
    no          INTEGER PRIMARY KEY,
    transmitter TEXT    NOT NULL,
    iss         TEXT    NOT NULL,
    jti         TEXT    NOT NULL,
    token       TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    UNIQUE (iss, jti)
) STRICT;
CREATE INDEX received_of ON received (transmitter, no);

CREATE TABLE answer (
    key     TEXT PRIMARY KEY,
    body    BLOB    NOT NULL,
    first   INTEGER NOT NULL,
    streams TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

CREATE TABLE signing_key (
    kid        TEXT PRIMARY KEY,
    jwk        TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
