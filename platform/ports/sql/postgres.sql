-- The statements that the Postgres adapter runs for itself.

-- name: postgres_transaction_status
-- One that the server has not given out yet was lost in a crash.
SELECT CASE WHEN $1::text::xid8 < pg_snapshot_xmax(pg_current_snapshot()) THEN pg_xact_status($1::text::xid8)
    WHEN $2 = 1 THEN 'aborted' END;

-- name: postgres_incarnation
-- Another text after each start of the server, and after each crash, which its statistics do not outlive.
SELECT pg_postmaster_start_time()::text || ' ' || stats_reset::text FROM pg_stat_wal;

-- name: postgres_lift_time_limit
SET LOCAL statement_timeout = 0;

-- name: postgres_has_any_table
SELECT 1 FROM pg_tables WHERE schemaname = $1 LIMIT 1;

-- name: postgres_has_table
SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1;

-- name: postgres_list_tables
-- Without those that are the program's.
SELECT tablename FROM pg_tables
WHERE schemaname = current_schema() AND tablename NOT IN ('shopstream_migrations', 'shopstream_mark')
ORDER BY tablename;

-- name: postgres_list_columns
SELECT column_name::text FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position;

-- name: postgres_list_key_columns
SELECT a.attname::text
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = $1::text::regclass AND i.indisprimary
ORDER BY array_position(i.indkey::int2[], a.attnum);

-- name: postgres_list_parents
SELECT DISTINCT p.relname::text
FROM pg_constraint c JOIN pg_class p ON p.oid = c.confrelid
WHERE c.conrelid = $1::text::regclass AND c.contype = 'f';

-- name: postgres_get_sequence
-- What the table's counter gave out last; no row where it has none, or has not given one.
SELECT s.last_value
FROM pg_sequences s JOIN information_schema.columns c
    ON pg_get_serial_sequence(quote_ident(c.table_name), c.column_name)
        = quote_ident(s.schemaname) || '.' || quote_ident(s.sequencename)
WHERE c.table_schema = current_schema() AND c.table_name = $1 AND s.last_value IS NOT NULL;

-- name: postgres_put_sequence
-- $3: whether $2 was given out.
SELECT setval(pg_get_serial_sequence(quote_ident(c.table_name), c.column_name), $2, $3)
FROM information_schema.columns c
WHERE c.table_schema = current_schema() AND c.table_name = $1 AND c.is_identity = 'YES';
