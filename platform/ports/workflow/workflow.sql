-- Statements of the embedded workflow engine.

-- name: insert
INSERT INTO workflow (id, type, tenant, traceparent, status, input, created_at_ms, updated_at_ms)
VALUES ($1, $2, $3, $4, 'running', $5, $6, $6);

-- name: get
SELECT type, tenant, traceparent, status, input, output, error, code, detail, created_at_ms, updated_at_ms
FROM workflow WHERE id = $1;

-- name: set_status
UPDATE workflow SET status = $2, output = $3, error = $4, code = $5, detail = $6, updated_at_ms = $7
WHERE id = $1 AND status IN ('running', 'compensating');

-- name: resume
UPDATE workflow SET status = 'running', error = 0, code = NULL, detail = NULL, updated_at_ms = $2
WHERE id = $1 AND status = 'stuck';

-- name: list_unfinished
-- The first two conditions are the index's own.
SELECT w.id, h.kind, h.due_at_ms,
       (SELECT count(*) FROM workflow_signal s WHERE s.workflow_id = w.id) AS signals,
       coalesce(h.scheduled_at_ms, 0)
FROM workflow w LEFT JOIN workflow_history h ON h.workflow_id = w.id AND h.state = 'pending'
WHERE w.status <> 'completed' AND w.status <> 'failed' AND w.status <> 'stuck' AND w.id > $1
ORDER BY w.id LIMIT $2;

-- name: list
SELECT w.id, w.type, w.tenant, w.status, w.error, w.code, w.detail, w.created_at_ms, w.updated_at_ms,
       h.name, h.attempts, h.due_at_ms, h.detail
FROM workflow w LEFT JOIN workflow_history h ON h.workflow_id = w.id AND h.state = 'pending'
WHERE w.id > $1 AND ($2 = '' OR w.status = $2)
ORDER BY w.id LIMIT $3;

-- name: list_steps
SELECT seq, kind, name, state, attempts, due_at_ms, input, output, signal, error, code, detail, scheduled_at_ms,
       ended_at_ms
FROM workflow_history WHERE workflow_id = $1 ORDER BY seq;

-- name: insert_step
INSERT INTO workflow_history (workflow_id, seq, kind, name, state, attempts, due_at_ms, input, output, signal, error,
                              code, detail, scheduled_at_ms, ended_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: update_step
UPDATE workflow_history SET state = $3, attempts = $4, due_at_ms = $5, output = $6, signal = $7, error = $8, code = $9,
                            detail = $10, ended_at_ms = $11
WHERE workflow_id = $1 AND seq = $2 AND state = 'pending';

-- name: insert_signal
INSERT INTO workflow_signal (workflow_id, seq, name, payload, received_at_ms)
SELECT w.id, coalesce((SELECT max(s.seq) FROM workflow_signal s WHERE s.workflow_id = w.id), 0) + 1,
       $2, $3, CAST($4 AS BIGINT)
FROM workflow w WHERE w.id = $1 AND w.status <> 'completed' AND w.status <> 'failed';

-- name: list_signals
SELECT seq, name, payload FROM workflow_signal WHERE workflow_id = $1 ORDER BY seq;

-- name: delete_signal
DELETE FROM workflow_signal WHERE workflow_id = $1 AND seq = $2;

-- name: delete_signals
DELETE FROM workflow_signal WHERE workflow_id = $1;

-- The three have the same parameters and take the same workflows.
-- name: purge_history
DELETE FROM workflow_history WHERE workflow_id IN (
    SELECT id FROM workflow WHERE status IN ('completed', 'failed') AND updated_at_ms < $1 ORDER BY updated_at_ms, id
    LIMIT $2);

-- name: purge_signals
DELETE FROM workflow_signal WHERE workflow_id IN (
    SELECT id FROM workflow WHERE status IN ('completed', 'failed') AND updated_at_ms < $1 ORDER BY updated_at_ms, id
    LIMIT $2);

-- name: purge
DELETE FROM workflow WHERE id IN (
    SELECT id FROM workflow WHERE status IN ('completed', 'failed') AND updated_at_ms < $1 ORDER BY updated_at_ms, id
    LIMIT $2);
