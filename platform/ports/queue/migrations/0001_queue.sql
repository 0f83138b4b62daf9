-- Messages that wait, are claimed (visible_at_ms in the future) or dead. attempts counts claims and names the current
-- one.
CREATE TABLE queue_message (
    id text PRIMARY KEY,
    queue text NOT NULL,
    body bytea NOT NULL,
    attempts bigint NOT NULL,
    enqueued_at_ms bigint NOT NULL,
    visible_at_ms bigint NOT NULL,
    dead_at_ms bigint,
    last_error text
);
CREATE INDEX queue_message_due ON queue_message (queue, visible_at_ms, id) WHERE dead_at_ms IS NULL;
CREATE INDEX queue_message_dead ON queue_message (queue, id) WHERE dead_at_ms IS NOT NULL;
