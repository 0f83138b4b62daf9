-- One row a workflow, one a step of its function, one a signal that nobody has asked for yet.

CREATE TABLE workflow (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    tenant TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'compensating', 'completed', 'failed', 'stuck')),
    input TEXT NOT NULL,
    output TEXT,
    error INTEGER NOT NULL DEFAULT 0,
    code TEXT,
    detail TEXT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
);

-- What has not ended is found at start without reading what has.
CREATE INDEX workflow_unfinished ON workflow (status) WHERE status IN ('running', 'compensating', 'stuck');

-- The key is also the guard against two engines that drive one workflow: the second one's step is refused.
CREATE TABLE workflow_history (
    workflow_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('activity', 'compensation', 'await', 'poll', 'sleep')),
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'failed')),
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

CREATE TABLE workflow_signal (
    workflow_id TEXT NOT NULL,
    seq INTEGER NOT NULL CHECK (seq <= 1000),
    name TEXT NOT NULL,
    payload TEXT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    PRIMARY KEY (workflow_id, seq)
);
