-- The statements of the conformance suite, in the subset that every engine speaks.

-- name: test_insert
INSERT INTO item (id, quantity, note) VALUES ($1, $2, $3);

-- name: test_insert_returning
-- Arguments out of order and used twice.
INSERT INTO item (id, quantity, note) VALUES ($2, $1, $3) RETURNING id, quantity, note;

-- name: test_insert_child
INSERT INTO item_child (id, item_id) VALUES ($1, $2);

-- name: test_update
UPDATE item SET quantity = quantity + $2 WHERE id = $1;

-- name: test_get
SELECT quantity, note FROM item WHERE id = $1;

-- name: test_count
SELECT count(*), coalesce(sum(quantity), 0) FROM item;

-- name: test_list
SELECT id, quantity, note FROM item WHERE id >= $1 ORDER BY id LIMIT $2;

-- name: test_delete_all
DELETE FROM item;

-- name: test_bad_syntax
SELECT no_such_column FROM item;
