-- The inbox of a receiver. It may share its file with the tables of an application, hence the long names.
CREATE TABLE IF NOT EXISTS secevent_inbox_origin (
    schema INTEGER NOT NULL,
    secret BLOB    NOT NULL
) STRICT;

-- What was received. (iss, jti) is the replay filter, so a row stays for a while after it was handled.
CREATE TABLE IF NOT EXISTS secevent_inbox (
    no          INTEGER PRIMARY KEY,
    transmitter TEXT    NOT NULL,
    iss         TEXT    NOT NULL,
    jti         TEXT    NOT NULL,
    token       TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    state       TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'handled', 'set aside')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    -- Milliseconds: when it is handed over, at the earliest.
    due         INTEGER NOT NULL,
    failure     TEXT,
    UNIQUE (iss, jti)
) STRICT;
CREATE INDEX IF NOT EXISTS secevent_inbox_due ON secevent_inbox (state, due, no);
