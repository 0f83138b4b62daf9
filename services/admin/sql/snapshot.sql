-- name: touch
-- Any read: from here on the transaction sees what the database was now.
SELECT 1 FROM shopstream_migrations LIMIT 1;
