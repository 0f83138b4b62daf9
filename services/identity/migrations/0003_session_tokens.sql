-- Until when an access token of the session may be good. It never goes back, whatever the clock does: a session that
-- ends blocks its tokens for as long as that.
ALTER TABLE session ADD COLUMN tokens_until_ms bigint NOT NULL DEFAULT 0;
