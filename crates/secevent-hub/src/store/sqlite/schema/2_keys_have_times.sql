-- What a key is used for follows from when it signs. Until now each one signed from the moment it was made.
ALTER TABLE signing_key DROP COLUMN state;
ALTER TABLE signing_key ADD COLUMN signs_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signing_key ADD COLUMN withdrawn_at INTEGER;
UPDATE signing_key SET signs_from = created_at;
