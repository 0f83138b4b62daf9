-- Where the log may bring an event twice (Kafka's, by Debezium), its id is kept with its effect for as long as it may
-- come again.
CREATE TABLE handled_event (
    consumer_group TEXT NOT NULL,
    event_id TEXT NOT NULL,
    handled_ms BIGINT NOT NULL,
    PRIMARY KEY (consumer_group, event_id)
);
CREATE INDEX handled_event_by_time ON handled_event (handled_ms);

-- How far the outbox was published elsewhere; that is done from Postgres alone.
CREATE VIEW outbox_published AS SELECT 0 AS is_published, 0 AS written, 0 AS acknowledged;
