-- name: ensure
INSERT INTO stream (name, last_id, length) VALUES ($1, 0, 0) ON CONFLICT (name) DO NOTHING;

-- name: take_id
UPDATE stream SET last_id = last_id + 1, length = length + 1 WHERE name = $1 AND length < $2;

-- name: insert_entry
-- Under the id that was taken just now.
INSERT INTO stream_entry (stream, id, payload) VALUES ($1, (SELECT last_id FROM stream WHERE name = $1), $2);

-- name: last_id
SELECT last_id FROM stream WHERE name = $1;

-- name: create_group
-- It starts before the oldest entry that the stream holds.
INSERT INTO stream_group (stream, name, delivered_id)
VALUES ($1, $2, coalesce((SELECT min(id) - 1 FROM stream_entry WHERE stream = $1),
                         (SELECT last_id FROM stream WHERE name = $1), 0))
ON CONFLICT (stream, name) DO NOTHING;

-- name: get_group
SELECT g.delivered_id, coalesce(s.last_id, 0), coalesce(s.length, 0)
FROM stream_group g LEFT JOIN stream s ON s.name = g.stream
WHERE g.stream = $1 AND g.name = $2;

-- name: has_idle
-- Claimed later than now ($4): by a clock that was ahead, so nobody knows when.
SELECT 1 FROM stream_pending
WHERE stream = $1 AND group_name = $2 AND (claimed_at_ms <= $3 OR claimed_at_ms > $4) LIMIT 1;

-- name: claim_idle
UPDATE stream_pending
SET consumer = $3, claimed_at_ms = $4, deliveries = deliveries + 1
WHERE stream = $1 AND group_name = $2 AND (claimed_at_ms <= $5 OR claimed_at_ms > $6) AND id IN (
    SELECT id FROM stream_pending
    WHERE stream = $1 AND group_name = $2 AND (claimed_at_ms <= $5 OR claimed_at_ms > $6)
    ORDER BY claimed_at_ms, id
    LIMIT $7
)
RETURNING id, deliveries;

-- name: get_entry
SELECT payload FROM stream_entry WHERE stream = $1 AND id = $2;

-- name: list_new
SELECT id, payload FROM stream_entry WHERE stream = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: insert_pending
INSERT INTO stream_pending (stream, group_name, id, consumer, claimed_at_ms, deliveries) VALUES ($1, $2, $3, $4, $5, 1);

-- name: advance_group
-- Conditional: two readers that both saw the same position must not both deliver.
UPDATE stream_group SET delivered_id = $4 WHERE stream = $1 AND name = $2 AND delivered_id = $3;

-- name: ack
DELETE FROM stream_pending WHERE stream = $1 AND group_name = $2 AND id = $3 AND consumer = $4;

-- name: delivered_by_all
SELECT min(delivered_id) FROM stream_group WHERE stream = $1;

-- name: oldest_pending
SELECT min(id) FROM stream_pending WHERE stream = $1;

-- name: trim
DELETE FROM stream_entry
WHERE stream = $1 AND id IN (SELECT id FROM stream_entry WHERE stream = $1 AND id <= $2 ORDER BY id LIMIT $3);

-- name: shorten
UPDATE stream SET length = length - $2 WHERE name = $1;

-- name: count_pending
SELECT count(*) FROM stream_pending WHERE stream = $1 AND group_name = $2;
