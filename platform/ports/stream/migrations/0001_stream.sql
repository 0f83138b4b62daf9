-- A stream's row holds its counters: the update of last_id is what orders appends.
CREATE TABLE stream (
    name text PRIMARY KEY,
    last_id bigint NOT NULL,
    length bigint NOT NULL CHECK (length >= 0)
);
CREATE TABLE stream_entry (
    stream text NOT NULL,
    id bigint NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (stream, id)
);
CREATE TABLE stream_group (
    stream text NOT NULL,
    name text NOT NULL,
    delivered_id bigint NOT NULL,
    PRIMARY KEY (stream, name)
);
-- Entries given to a consumer of a group and not yet acknowledged.
CREATE TABLE stream_pending (
    stream text NOT NULL,
    group_name text NOT NULL,
    id bigint NOT NULL,
    consumer text NOT NULL,
    claimed_at_ms bigint NOT NULL,
    deliveries bigint NOT NULL,
    PRIMARY KEY (stream, group_name, id)
);
CREATE INDEX stream_pending_idle ON stream_pending (stream, group_name, claimed_at_ms, id);
