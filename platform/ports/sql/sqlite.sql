-- The statements that the SQLite adapter runs for itself. The limits in them are its memory: at most 4 MiB of pages for
-- the writer, whose indexes by random keys want theirs at hand, and 256 KiB for each reader.

-- name: sqlite_use_wal
PRAGMA journal_mode = WAL;

-- name: sqlite_no_journal
-- For a copy, which is whole or thrown away.
PRAGMA journal_mode = OFF;

-- name: sqlite_sync_full
-- Each commit is on disk before it is acknowledged.
PRAGMA synchronous = FULL;

-- name: sqlite_foreign_keys
PRAGMA foreign_keys = ON;

-- name: sqlite_no_autocheckpoint
-- The writer task decides when.
PRAGMA wal_autocheckpoint = 0;

-- name: sqlite_wal_size_limit
-- A log that grew past 16 MiB is cut when it starts again.
PRAGMA journal_size_limit = 16777216;

-- name: sqlite_temp_in_memory
PRAGMA temp_store = MEMORY;

-- name: sqlite_secure_delete_fast
-- What is deleted is overwritten in pages that are written anyway; Debian's default writes more pages for it.
PRAGMA secure_delete = FAST;

-- name: sqlite_no_mmap
-- A mapped page counts once for each connection in the resident size, and an I/O error in it is a signal.
PRAGMA mmap_size = 0;

-- name: sqlite_writer_cache
PRAGMA cache_size = -4096;

-- name: sqlite_reader_cache
PRAGMA cache_size = -256;

-- name: sqlite_reader_only
PRAGMA query_only = ON;

-- name: sqlite_probe
-- Reads the header and the schema, so that a damaged file shows at once.
SELECT count(*) FROM sqlite_schema;

-- name: sqlite_begin_write
BEGIN IMMEDIATE;

-- name: sqlite_begin_read
BEGIN;

-- name: sqlite_commit
COMMIT;

-- name: sqlite_rollback
ROLLBACK;

-- name: sqlite_savepoint
SAVEPOINT closure;

-- name: sqlite_release
RELEASE closure;

-- name: sqlite_rollback_to
ROLLBACK TO closure;

-- name: sqlite_touch
-- Writes the first page, whatever it holds.
PRAGMA user_version = 1;

-- name: sqlite_integrity_check
PRAGMA integrity_check(1);

-- name: sqlite_foreign_key_check
PRAGMA foreign_key_check;

-- name: sqlite_list_tables
-- Without SQLite's own, what stands behind virtual tables, and those that are the program's.
SELECT name FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
AND name NOT IN ('shopstream_migrations', 'shopstream_mark')
ORDER BY name;

-- name: sqlite_has_table
SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1;

-- name: sqlite_list_columns
SELECT name FROM pragma_table_info($1) ORDER BY cid;

-- name: sqlite_list_key_columns
SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk;

-- name: sqlite_list_parents
SELECT DISTINCT "table" FROM pragma_foreign_key_list($1);

-- name: sqlite_has_sequences
SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence';

-- name: sqlite_get_sequence
SELECT seq FROM sqlite_sequence WHERE name = $1;

-- name: sqlite_delete_sequence
DELETE FROM sqlite_sequence WHERE name = $1;

-- name: sqlite_insert_sequence
INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2);

-- name: sqlite_defer_foreign_keys
-- Until the end of the transaction.
PRAGMA defer_foreign_keys = ON;
