-- name: create_mark
-- At most one row.
CREATE TABLE IF NOT EXISTS shopstream_mark (
    id bigint PRIMARY KEY CHECK (id = 1),
    shop text NOT NULL,
    openings bigint NOT NULL
);

-- name: find_mark
SELECT shop, openings FROM shopstream_mark WHERE id = 1;

-- name: put_mark
INSERT INTO shopstream_mark (id, shop, openings) VALUES (1, $1, $2)
ON CONFLICT (id) DO UPDATE SET shop = excluded.shop, openings = excluded.openings;
