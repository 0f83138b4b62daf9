-- name: create_migrations
-- Every database knows which migrations made it what it is.
CREATE TABLE IF NOT EXISTS shopstream_migrations (
    list text NOT NULL,
    number bigint NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at_ms bigint NOT NULL,
    PRIMARY KEY (list, number)
);

-- name: list_migrations
SELECT number, name, checksum FROM shopstream_migrations WHERE list = $1 ORDER BY number;

-- name: insert_migration
INSERT INTO shopstream_migrations (list, number, name, checksum, applied_at_ms) VALUES ($1, $2, $3, $4, $5);

-- name: count_migrations
SELECT count(*) FROM shopstream_migrations;
