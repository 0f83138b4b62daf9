-- name: enqueue
INSERT INTO queue_message (id, queue, body, attempts, enqueued_at_ms, visible_at_ms) VALUES ($1, $2, $3, 0, $4, $5);

-- name: has_due
SELECT 1 FROM queue_message WHERE queue = $1 AND dead_at_ms IS NULL AND visible_at_ms <= $2 LIMIT 1;

-- name: claim
-- The outer condition is checked again on a row that another claim has locked meanwhile.
UPDATE queue_message
SET visible_at_ms = $3, attempts = attempts + 1
WHERE dead_at_ms IS NULL AND visible_at_ms <= $2 AND id IN (
    SELECT id FROM queue_message
    WHERE queue = $1 AND dead_at_ms IS NULL AND visible_at_ms <= $2
    ORDER BY visible_at_ms, id
    LIMIT $4
)
RETURNING id, body, attempts, enqueued_at_ms, last_error, dead_at_ms;

-- name: pull_closer
-- What is to wait longer than anything does, or was put in later than now, was written by a clock that was ahead.
UPDATE queue_message SET visible_at_ms = $1
WHERE dead_at_ms IS NULL AND visible_at_ms > $1
    AND ((attempts = 0 AND visible_at_ms = enqueued_at_ms) OR (attempts > 0 AND visible_at_ms > $2));

-- name: release
-- A message that failed before waits for its back-off; whether it is claimed cannot be seen, so its claim runs out.
UPDATE queue_message SET visible_at_ms = $2
WHERE queue = $1 AND dead_at_ms IS NULL AND visible_at_ms > $2 AND attempts > 0 AND last_error IS NULL;

-- name: bury_unanswered
-- Its last claim ran out without an answer.
UPDATE queue_message SET dead_at_ms = $2, attempts = attempts - 1,
    last_error = coalesce(last_error, 'no answer in time')
WHERE id = $1;

-- name: ack
DELETE FROM queue_message WHERE id = $1 AND attempts = $2 AND dead_at_ms IS NULL;

-- name: retry
UPDATE queue_message SET visible_at_ms = $3, last_error = $4 WHERE id = $1 AND attempts = $2 AND dead_at_ms IS NULL;

-- name: bury
UPDATE queue_message SET dead_at_ms = $3, last_error = $4 WHERE id = $1 AND attempts = $2 AND dead_at_ms IS NULL;

-- name: list_dead
SELECT id, '' AS body, attempts, enqueued_at_ms, last_error, dead_at_ms
FROM queue_message
WHERE queue = $1 AND dead_at_ms IS NOT NULL AND id > $2
ORDER BY id
LIMIT $3;

-- name: replay
UPDATE queue_message SET dead_at_ms = NULL, attempts = 0, visible_at_ms = $3, last_error = NULL
WHERE queue = $1 AND id = $2 AND dead_at_ms IS NOT NULL;

-- name: replay_all
UPDATE queue_message SET dead_at_ms = NULL, attempts = 0, visible_at_ms = $2, last_error = NULL
WHERE queue = $1 AND dead_at_ms IS NOT NULL;

-- name: count_ready
SELECT count(*), min(enqueued_at_ms) FROM (
    SELECT enqueued_at_ms FROM queue_message
    WHERE queue = $1 AND dead_at_ms IS NULL AND visible_at_ms <= $3
    ORDER BY visible_at_ms, id
    LIMIT $2
) AS counted;

-- name: count_waiting
SELECT count(*) FROM (
    SELECT 1 FROM queue_message WHERE queue = $1 AND dead_at_ms IS NULL AND visible_at_ms > $3 LIMIT $2
) AS counted;

-- name: count_dead
SELECT count(*) FROM (SELECT 1 FROM queue_message WHERE queue = $1 AND dead_at_ms IS NOT NULL LIMIT $2) AS counted;
