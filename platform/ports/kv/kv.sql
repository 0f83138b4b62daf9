-- name: get
SELECT item_key, value, index_key, version, expires_at_ms
FROM kv_row
WHERE tenant = $1 AND space = $2 AND item_key = $3 AND (expires_at_ms IS NULL OR expires_at_ms > $4);

-- name: put
INSERT INTO kv_row (tenant, space, item_key, value, index_key, expires_at_ms, version)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, space, item_key) DO UPDATE
SET value = excluded.value, index_key = excluded.index_key, expires_at_ms = excluded.expires_at_ms,
    version = kv_row.version + 1;

-- name: put_if_absent
-- A row whose time is up counts as absent.
INSERT INTO kv_row (tenant, space, item_key, value, index_key, expires_at_ms, version)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, space, item_key) DO UPDATE
SET value = excluded.value, index_key = excluded.index_key, expires_at_ms = excluded.expires_at_ms,
    version = kv_row.version + 1
WHERE kv_row.expires_at_ms <= $7;

-- name: put_if_version
UPDATE kv_row
SET value = $4, index_key = $5, expires_at_ms = $6, version = version + 1
WHERE tenant = $1 AND space = $2 AND item_key = $3 AND version = $8
    AND (expires_at_ms IS NULL OR expires_at_ms > $7);

-- name: get_version
-- Asked for apart, as hardly anybody wants it and RETURNING costs SQLite a table of its own.
SELECT version FROM kv_row WHERE tenant = $1 AND space = $2 AND item_key = $3;

-- name: delete
DELETE FROM kv_row WHERE tenant = $1 AND space = $2 AND item_key = $3;

-- name: delete_if_version
DELETE FROM kv_row WHERE tenant = $1 AND space = $2 AND item_key = $3 AND version = $4;

-- name: exists
SELECT 1 FROM kv_row WHERE tenant = $1 AND space = $2 AND item_key = $3
    AND (expires_at_ms IS NULL OR expires_at_ms > $4);

-- name: list
SELECT item_key, value, index_key, version, expires_at_ms
FROM kv_row
WHERE tenant = $1 AND space = $2 AND index_key = $3 AND item_key > $4 AND (expires_at_ms IS NULL OR expires_at_ms > $5)
ORDER BY item_key
LIMIT $6;

-- name: sweep
DELETE FROM kv_row
WHERE (tenant, space, item_key) IN (
    SELECT tenant, space, item_key FROM kv_row
    WHERE expires_at_ms IS NOT NULL AND expires_at_ms <= $1
    ORDER BY expires_at_ms
    LIMIT $2
);
