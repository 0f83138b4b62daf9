-- name: insert_event
INSERT INTO provider_events (id, type, body, created_ms, traceparent) VALUES ($1, $2, $3, $4, $5);

-- name: find_event
SELECT body FROM provider_events WHERE id = $1;

-- name: find_event_position
SELECT created_ms FROM provider_events WHERE id = $1;

-- name: list_events
-- $6: one type's, or '' for all.
SELECT body FROM provider_events
WHERE created_ms >= $1 AND created_ms <= $2 AND (created_ms, id) < ($3, $4) AND ($6 = '' OR type = $6)
ORDER BY created_ms DESC, id DESC LIMIT $5;

-- name: insert_endpoint
INSERT INTO webhook_endpoints (id, url, secret, enabled_events, created_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET url = excluded.url, secret = excluded.secret, enabled_events = excluded.enabled_events;

-- name: find_endpoint
SELECT id, url, secret, enabled_events, created_ms FROM webhook_endpoints WHERE id = $1;

-- name: list_endpoints
SELECT id, url, secret, enabled_events, created_ms FROM webhook_endpoints ORDER BY created_ms, id LIMIT $1;

-- name: list_listeners
SELECT id, enabled_events FROM webhook_endpoints LIMIT $1;

-- name: count_endpoints
SELECT COUNT(*) FROM webhook_endpoints;

-- name: delete_endpoint
DELETE FROM webhook_endpoints WHERE id = $1;

-- name: insert_delivery
INSERT INTO webhook_deliveries (event, endpoint, due_ms, attempts) VALUES ($1, $2, $3, 0);

-- name: list_due_deliveries
SELECT d.event, d.endpoint, d.attempts, e.body, w.url, w.secret, e.traceparent
FROM webhook_deliveries d JOIN provider_events e ON e.id = d.event JOIN webhook_endpoints w ON w.id = d.endpoint
WHERE d.due_ms <= $1 ORDER BY d.due_ms, d.event LIMIT $2;

-- name: find_next_due
SELECT MIN(due_ms) FROM webhook_deliveries;

-- name: delete_delivery
DELETE FROM webhook_deliveries WHERE event = $1 AND endpoint = $2;

-- name: postpone_delivery
UPDATE webhook_deliveries SET due_ms = $3, attempts = attempts + 1 WHERE event = $1 AND endpoint = $2;

-- name: count_deliveries
SELECT COUNT(*) FROM webhook_deliveries;

-- name: find_request_key
SELECT fingerprint, status, body FROM request_keys WHERE request_key = $1 AND created_ms > $2;

-- name: insert_request_key
INSERT INTO request_keys (request_key, fingerprint, status, body, created_ms) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (request_key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
    body = excluded.body, created_ms = excluded.created_ms;

-- name: delete_old_request_keys
DELETE FROM request_keys WHERE request_key IN
    (SELECT request_key FROM request_keys WHERE created_ms <= $1 ORDER BY created_ms LIMIT $2);

-- name: delete_old_events
DELETE FROM provider_events WHERE id IN
    (SELECT id FROM provider_events WHERE created_ms <= $1
        AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.event = provider_events.id)
     ORDER BY created_ms LIMIT $2);

-- name: find_setting
SELECT value FROM settings WHERE name = $1;

-- name: insert_setting
INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING;
