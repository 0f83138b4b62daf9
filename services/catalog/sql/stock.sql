-- Stock and its reservations.

-- name: find_stock
SELECT on_hand, reserved, version, product_id FROM stock WHERE tenant = $1 AND sku_id = $2;

-- name: set_stock
-- Changes nothing when more than that is reserved.
UPDATE stock SET on_hand = $3, version = version + 1 WHERE tenant = $1 AND sku_id = $2 AND reserved <= $3
RETURNING on_hand, reserved, version, product_id;

-- name: take_stock
-- Changes nothing when there is not enough.
UPDATE stock SET reserved = reserved + $3 WHERE tenant = $1 AND sku_id = $2 AND on_hand - reserved >= $3;

-- name: commit_stock
UPDATE stock SET on_hand = on_hand - $3, reserved = reserved - $3 WHERE tenant = $1 AND sku_id = $2;

-- name: give_back_held
UPDATE stock SET reserved = reserved - $3 WHERE tenant = $1 AND sku_id = $2;

-- name: give_back_sold
UPDATE stock SET on_hand = on_hand + $3 WHERE tenant = $1 AND sku_id = $2;

-- name: find_available
-- What RETURNING would say of a change, for which SQLite makes a table of its own.
SELECT product_id, on_hand - reserved FROM stock WHERE tenant = $1 AND sku_id = $2;

-- name: find_reservation
SELECT status, expires_at_ms FROM reservation WHERE tenant = $1 AND id = $2;

-- name: insert_reservation
INSERT INTO reservation (tenant, id, status, expires_at_ms) VALUES ($1, $2, $3, $4);

-- name: set_reservation_status
-- Changes nothing when it no longer has the status it was seen with.
UPDATE reservation SET status = $4 WHERE tenant = $1 AND id = $2 AND status = $3;

-- name: end_reservation
-- The same, and notes when: an end is kept for a while from then on, however late it came.
UPDATE reservation SET status = $4, expires_at_ms = $5 WHERE tenant = $1 AND id = $2 AND status = $3;

-- name: insert_reservation_line
INSERT INTO reservation_line (tenant, reservation_id, sku_id, quantity) VALUES ($1, $2, $3, $4);

-- name: list_reservation_lines
SELECT sku_id, quantity FROM reservation_line WHERE tenant = $1 AND reservation_id = $2 ORDER BY sku_id;

-- name: list_expired_reservations
-- Of every tenant: the one statement that serves them all. What follows works in each row's own.
SELECT tenant, id FROM reservation WHERE status = 'held' AND expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT $2;

-- name: purge_reservation_lines
-- Of every tenant, as is what follows: those that purge_reservations takes with the same parameters.
DELETE FROM reservation_line WHERE (tenant, reservation_id) IN (
    SELECT tenant, id FROM reservation WHERE status = $1 AND expires_at_ms <= $2 ORDER BY expires_at_ms, tenant, id
    LIMIT $3);

-- name: purge_reservations
DELETE FROM reservation WHERE (tenant, id) IN (
    SELECT tenant, id FROM reservation WHERE status = $1 AND expires_at_ms <= $2 ORDER BY expires_at_ms, tenant, id
    LIMIT $3);
