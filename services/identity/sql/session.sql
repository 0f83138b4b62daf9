-- name: insert_session
INSERT INTO session (tenant, id, user_id, created_at_ms, last_used_at_ms, expires_at_ms, address, user_agent,
    tokens_until_ms)
VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8);

-- name: insert_refresh_token
INSERT INTO refresh_token (hash, tenant, session_id, used_at_ms) VALUES ($1, $2, $3, 0);

-- name: find_refresh_token
SELECT r.session_id, r.used_at_ms, s.user_id, s.expires_at_ms, s.created_at_ms
FROM refresh_token r JOIN session s ON s.tenant = r.tenant AND s.id = r.session_id
WHERE r.hash = $1 AND r.tenant = $2;

-- name: use_refresh_token
UPDATE refresh_token SET used_at_ms = $2 WHERE hash = $1 AND used_at_ms = 0;

-- name: touch_session
UPDATE session SET last_used_at_ms = $3, expires_at_ms = $4,
    tokens_until_ms = CASE WHEN tokens_until_ms > $5 THEN tokens_until_ms ELSE $5 END
WHERE tenant = $1 AND id = $2;

-- name: list_sessions
SELECT id, created_at_ms, last_used_at_ms, address, user_agent
FROM session WHERE tenant = $1 AND user_id = $2 AND expires_at_ms > $3 ORDER BY id DESC LIMIT $4;

-- name: list_session_ids
SELECT id FROM session WHERE tenant = $1 AND user_id = $2 AND id <> $3 ORDER BY id;

-- name: copy_session
INSERT INTO session (tenant, id, user_id, created_at_ms, last_used_at_ms, expires_at_ms, address, user_agent,
    tokens_until_ms)
SELECT tenant, $3, user_id, created_at_ms, last_used_at_ms, expires_at_ms, address, user_agent, tokens_until_ms
FROM session WHERE tenant = $1 AND id = $2;

-- name: move_refresh_tokens
UPDATE refresh_token SET session_id = $3 WHERE tenant = $1 AND session_id = $2;

-- name: find_oldest_session
SELECT id FROM session WHERE tenant = $1 AND user_id = $2 ORDER BY id DESC LIMIT 1 OFFSET $3;

-- name: delete_session
DELETE FROM session WHERE tenant = $1 AND id = $2 AND user_id = $3 RETURNING tokens_until_ms;

-- name: sweep_sessions
DELETE FROM session WHERE (tenant, id) IN (
    SELECT tenant, id FROM session WHERE expires_at_ms < $1 ORDER BY expires_at_ms LIMIT $2);

-- name: put_token_block
INSERT INTO token_block (session_id, until_ms) VALUES ($1, $2);

-- name: list_token_blocks
SELECT session_id, until_ms FROM token_block WHERE until_ms > $1 ORDER BY until_ms LIMIT $2;

-- name: sweep_token_blocks
DELETE FROM token_block WHERE session_id IN (
    SELECT session_id FROM token_block WHERE until_ms < $1 ORDER BY until_ms LIMIT $2);
