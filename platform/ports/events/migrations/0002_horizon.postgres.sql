-- By which a reader knows that a hole in the log stays one: when every transaction below `next` of then has ended, that
-- is, when `oldest` of now has reached it. A transaction that publishes has its number before it takes one of the log
-- (sql_postgres_statement.c), and `next` is a number taken after what is read was there. (The upper end of a snapshot
-- would not do: it is that of the last transaction that ended, and there may be later ones that run.)
CREATE VIEW outbox_horizon AS
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest, pg_current_xact_id()::text::bigint AS next;
