-- A dead letter has the event it is about: the log forgets sooner. One that stands for many has none.
ALTER TABLE dead_letter ADD COLUMN many INTEGER;
ALTER TABLE dead_letter ADD COLUMN body TEXT;
UPDATE dead_letter SET body = (SELECT body FROM event WHERE event.seq = dead_letter.seq)
    WHERE reason NOT LIKE '% events up to this one were not taken within %';

-- What is sent to a stream once more.
CREATE TABLE replay (
    stream INTEGER PRIMARY KEY,
    body   TEXT NOT NULL
) STRICT;
