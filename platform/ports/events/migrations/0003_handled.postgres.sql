-- Where the log may bring an event twice (Kafka's, by Debezium), its id is kept with its effect for as long as it may
-- come again.
CREATE TABLE handled_event (
    consumer_group TEXT NOT NULL,
    event_id TEXT NOT NULL,
    handled_ms BIGINT NOT NULL,
    PRIMARY KEY (consumer_group, event_id)
);
CREATE INDEX handled_event_by_time ON handled_event (handled_ms);

-- How far the outbox was published: whether there is the slot of its connector (infra/connect), up to where the
-- database's log is written, and up to where the connector has acknowledged it.
CREATE VIEW outbox_published AS
SELECT count(*) AS is_published, (pg_current_wal_insert_lsn() - '0/0')::bigint AS written,
       coalesce(max(confirmed_flush_lsn - '0/0'), 0)::bigint AS acknowledged
FROM pg_replication_slots WHERE slot_name = 'outbox_' || current_schema() AND database = current_database();
