-- The outbox is the log of what this service made true; the other two are of what it consumes.

CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    tenant TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    traceparent TEXT NOT NULL,
    payload TEXT NOT NULL
);

CREATE TABLE consumer_offset (
    consumer_group TEXT NOT NULL,
    source TEXT NOT NULL,
    position BIGINT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (consumer_group, source)
);

CREATE TABLE quarantine (
    consumer_group TEXT NOT NULL,
    source TEXT NOT NULL,
    position BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    tenant TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    traceparent TEXT NOT NULL,
    payload TEXT NOT NULL,
    error INTEGER NOT NULL,
    detail TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    quarantined_at_ms BIGINT NOT NULL,
    PRIMARY KEY (consumer_group, source, position)
);
