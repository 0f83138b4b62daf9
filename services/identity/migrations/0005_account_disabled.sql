-- A disabled account stays as it is, but nobody signs in to it; it has no session.
ALTER TABLE account ADD COLUMN disabled bigint NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1));
