-- name: find_secret
SELECT value FROM service_secret WHERE name = $1

-- name: insert_secret
INSERT INTO service_secret (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
