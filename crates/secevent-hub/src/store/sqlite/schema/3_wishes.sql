-- What receivers wish about subjects; `name` is a hash of the subject.
CREATE TABLE wish (
    stream INTEGER NOT NULL,
    name   BLOB    NOT NULL,
    body   TEXT    NOT NULL,
    PRIMARY KEY (stream, name)
) STRICT, WITHOUT ROWID;
