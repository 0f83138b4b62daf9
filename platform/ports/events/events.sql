-- Statements of the events port on the sql port.

-- name: append
INSERT INTO outbox (event_id, topic, type, key, tenant, time_ms, traceparent, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: read_log
-- Bounded by events (here) and by bytes (the reader stops early).
SELECT seq, event_id, topic, type, key, tenant, time_ms, traceparent, payload
FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2;

-- name: log_end
SELECT coalesce(max(seq), 0) FROM outbox;

-- name: read_horizon
SELECT oldest, next, (SELECT coalesce(max(seq), 0) FROM outbox) FROM outbox_horizon;

-- name: trim
-- Looks at the oldest rows alone, however long the log is: a young one among them (the clock went back) keeps its place
-- until its time has come.
DELETE FROM outbox WHERE seq IN (
    SELECT seq FROM (SELECT seq, time_ms FROM outbox ORDER BY seq LIMIT $3) AS oldest
    WHERE seq <= $1 AND time_ms < $2);

-- name: get_offset
SELECT position, attempts FROM consumer_offset WHERE consumer_group = $1 AND source = $2;

-- name: set_offset
-- From where its reader found it ($5) and from nowhere else: of two that handle the same events, one does.
INSERT INTO consumer_offset (consumer_group, source, position, attempts) VALUES ($1, $2, $3, $4)
ON CONFLICT (consumer_group, source) DO UPDATE SET position = excluded.position, attempts = excluded.attempts
WHERE consumer_offset.position = $5;

-- name: quarantine
INSERT INTO quarantine (consumer_group, source, position, event_id, topic, type, key, tenant, time_ms, traceparent,
                        payload, error, detail, attempts, quarantined_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: list_quarantined
SELECT consumer_group, source, position, event_id, topic, type, key, tenant, time_ms, traceparent, payload, error,
       detail, attempts, quarantined_at_ms
FROM quarantine
WHERE consumer_group > $1 OR (consumer_group = $1 AND (source > $2 OR (source = $2 AND position > $3)))
ORDER BY consumer_group, source, position LIMIT $4;

-- name: get_quarantined
SELECT consumer_group, source, position, event_id, topic, type, key, tenant, time_ms, traceparent, payload, error,
       detail, attempts, quarantined_at_ms
FROM quarantine WHERE consumer_group = $1 AND source = $2 AND position = $3;

-- name: delete_quarantined
DELETE FROM quarantine WHERE consumer_group = $1 AND source = $2 AND position = $3;

-- name: count_attempt
UPDATE quarantine SET attempts = attempts + 1, error = $4, detail = $5
WHERE consumer_group = $1 AND source = $2 AND position = $3;

-- name: note_handled
INSERT INTO handled_event (consumer_group, event_id, handled_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: is_handled
SELECT handled_ms FROM handled_event WHERE consumer_group = $1 AND event_id = $2;

-- name: forget_handled
DELETE FROM handled_event WHERE (consumer_group, event_id) IN (
    SELECT consumer_group, event_id FROM handled_event WHERE handled_ms < $1 ORDER BY handled_ms LIMIT $2);

-- name: read_published
SELECT is_published, written, acknowledged, (SELECT coalesce(max(seq), 0) FROM outbox) FROM outbox_published;
