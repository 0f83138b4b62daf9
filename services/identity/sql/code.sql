-- name: insert_code
INSERT INTO one_time_code (tenant, id, user_id, purpose, hash, credential, name, attempts, expires_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8);

-- name: list_codes
-- The newest first.
SELECT id, hash, credential, name
FROM one_time_code
WHERE tenant = $1 AND user_id = $2 AND purpose = $3 AND attempts < $4 AND expires_at_ms > $5
ORDER BY id DESC LIMIT $6;

-- name: find_surplus_code
SELECT id FROM one_time_code WHERE tenant = $1 AND user_id = $2 AND purpose = $3 ORDER BY id DESC LIMIT 1 OFFSET $4;

-- name: delete_codes_until
DELETE FROM one_time_code WHERE tenant = $1 AND user_id = $2 AND purpose = $3 AND id <= $4;

-- name: count_attempt
UPDATE one_time_code SET attempts = attempts + 1 WHERE tenant = $1 AND user_id = $2 AND purpose = $3;

-- name: delete_codes
DELETE FROM one_time_code WHERE tenant = $1 AND user_id = $2 AND purpose = $3;

-- name: sweep_codes
DELETE FROM one_time_code WHERE (tenant, id) IN (
    SELECT tenant, id FROM one_time_code WHERE expires_at_ms < $1 ORDER BY expires_at_ms LIMIT $2);
