-- Whether this is a copy that was never opened as a store: the first to open it gives it an incarnation of its own.
ALTER TABLE origin ADD COLUMN copied INTEGER NOT NULL DEFAULT 0;
