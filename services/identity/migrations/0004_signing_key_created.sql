-- When a key was made, for who lists them. Those that were there before are dated by when they began to sign.
ALTER TABLE signing_key ADD COLUMN created_at_ms bigint NOT NULL DEFAULT 0;
UPDATE signing_key SET created_at_ms = signs_from_ms;
