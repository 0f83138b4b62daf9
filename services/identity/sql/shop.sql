-- name: list_tenants
SELECT id, host FROM tenant ORDER BY id LIMIT $1;

-- name: find_tenant
SELECT host FROM tenant WHERE id = $1;

-- name: count_tenants
SELECT count(*) FROM tenant;

-- name: put_tenant
INSERT INTO tenant (id, host, created_at_ms) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET host = excluded.host;

-- name: list_signing_keys
SELECT kid, private_pem, signs_from_ms FROM signing_key ORDER BY signs_from_ms, kid LIMIT $1;

-- name: show_signing_keys
-- In the same order, without what is private.
SELECT kid, signs_from_ms, created_at_ms FROM signing_key ORDER BY signs_from_ms, kid LIMIT $1;

-- name: insert_signing_key
INSERT INTO signing_key (kid, private_pem, signs_from_ms, created_at_ms) VALUES ($1, $2, $3, $4);

-- name: delete_signing_key
DELETE FROM signing_key WHERE kid = $1;
