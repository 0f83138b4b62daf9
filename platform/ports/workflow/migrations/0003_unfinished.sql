-- Without lists in the checks: SQLite builds a table of each list of three or more for every row that it checks.
-- What has not ended is found by its id, as it is read at start.

CREATE TABLE workflow_checked (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    tenant TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status = 'running' OR status = 'compensating' OR status = 'completed'
        OR status = 'failed' OR status = 'stuck'),
    input TEXT NOT NULL,
    output TEXT,
    error INTEGER NOT NULL DEFAULT 0,
    code TEXT,
    detail TEXT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);
INSERT INTO workflow_checked (id, type, tenant, traceparent, status, input, output, error, code, detail, created_at_ms,
                              updated_at_ms)
SELECT id, type, tenant, traceparent, status, input, output, error, code, detail, created_at_ms, updated_at_ms
FROM workflow ORDER BY id;
DROP TABLE workflow;
ALTER TABLE workflow_checked RENAME TO workflow;
CREATE INDEX workflow_unfinished ON workflow (id) WHERE status <> 'completed' AND status <> 'failed';
CREATE INDEX workflow_ended ON workflow (updated_at_ms, id) WHERE status IN ('completed', 'failed');

CREATE TABLE workflow_history_checked (
    workflow_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'activity' OR kind = 'compensation' OR kind = 'await' OR kind = 'poll'
        OR kind = 'sleep'),
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state = 'done' OR state = 'pending' OR state = 'failed'),
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at_ms BIGINT NOT NULL DEFAULT 0,
    input TEXT,
    output TEXT,
    signal TEXT,
    error INTEGER NOT NULL DEFAULT 0,
    code TEXT,
    detail TEXT,
    scheduled_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    PRIMARY KEY (workflow_id, seq)
);
INSERT INTO workflow_history_checked (workflow_id, seq, kind, name, state, attempts, due_at_ms, input, output, signal,
                                      error, code, detail, scheduled_at_ms, ended_at_ms)
SELECT workflow_id, seq, kind, name, state, attempts, due_at_ms, input, output, signal, error, code, detail,
       scheduled_at_ms, ended_at_ms
FROM workflow_history ORDER BY workflow_id, seq;
DROP TABLE workflow_history;
ALTER TABLE workflow_history_checked RENAME TO workflow_history;
