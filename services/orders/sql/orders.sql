-- name: insert_order
INSERT INTO orders (tenant, id, customer_id, guest_hash, email, status, currency, total, shipping_method,
    shipping_title,
    shipping_price, address_name, address_line1, address_line2, address_city, address_postal_code, address_country,
    created_at_ms)
VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)

-- name: insert_line
INSERT INTO order_line (tenant, order_id, position, sku_id, title, quantity, price, line_total, shown)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- The columns of find_order and of the lists are read by one function: keep them the same.
-- name: find_order
SELECT id, status, currency, total, shipping_method, shipping_title, shipping_price, address_name, address_line1,
    address_line2, address_city, address_postal_code, address_country, payment_id, payment_status, payment_action_url,
    failure_code, failure_message, version, created_at_ms, email, customer_id, guest_hash, cancel_requested
FROM orders WHERE tenant = $1 AND id = $2

-- name: find_status
SELECT status FROM orders WHERE tenant = $1 AND id = $2

-- name: list_by_customer
SELECT id, status, currency, total, shipping_method, shipping_title, shipping_price, address_name, address_line1,
    address_line2, address_city, address_postal_code, address_country, payment_id, payment_status, payment_action_url,
    failure_code, failure_message, version, created_at_ms, email, customer_id, guest_hash, cancel_requested
FROM orders WHERE tenant = $1 AND customer_id = $2 AND id < $3 AND ($4 = '' OR status = $4) ORDER BY id DESC LIMIT $5

-- name: list_by_guest
SELECT id, status, currency, total, shipping_method, shipping_title, shipping_price, address_name, address_line1,
    address_line2, address_city, address_postal_code, address_country, payment_id, payment_status, payment_action_url,
    failure_code, failure_message, version, created_at_ms, email, customer_id, guest_hash, cancel_requested
FROM orders WHERE tenant = $1 AND guest_hash = $2 AND id < $3 AND ($4 = '' OR status = $4) ORDER BY id DESC LIMIT $5

-- name: list_all
SELECT id, status, currency, total, shipping_method, shipping_title, shipping_price, address_name, address_line1,
    address_line2, address_city, address_postal_code, address_country, payment_id, payment_status, payment_action_url,
    failure_code, failure_message, version, created_at_ms, email, customer_id, guest_hash, cancel_requested
FROM orders WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3

-- name: list_all_by_status
SELECT id, status, currency, total, shipping_method, shipping_title, shipping_price, address_name, address_line1,
    address_line2, address_city, address_postal_code, address_country, payment_id, payment_status, payment_action_url,
    failure_code, failure_message, version, created_at_ms, email, customer_id, guest_hash, cancel_requested
FROM orders WHERE tenant = $1 AND status = $2 AND id < $3 ORDER BY id DESC LIMIT $4

-- name: walk_orders
SELECT tenant, id, status, created_at_ms FROM orders WHERE id > $1 ORDER BY id LIMIT $2

-- name: list_lines
SELECT sku_id, title, quantity, price, line_total, shown FROM order_line
WHERE tenant = $1 AND order_id = $2 ORDER BY position

-- A status moves only as the table of the design says: from one of at most two.
-- name: move_status
UPDATE orders SET status = $3, version = version + 1
WHERE tenant = $1 AND id = $2 AND (status = $4 OR status = $5)

-- Confirmed, unless somebody asked to cancel meanwhile.
-- name: confirm
UPDATE orders SET status = 'confirmed', payment_action_url = NULL, version = version + 1
WHERE tenant = $1 AND id = $2 AND status = 'pending' AND cancel_requested = 0

-- name: fulfil
UPDATE orders SET status = 'fulfilled', version = version + 1
WHERE tenant = $1 AND id = $2 AND status = 'confirmed' AND cancel_requested = 0
    AND (payment_status IS NULL OR payment_status <> 'refunded')

-- What the saga was told may be written after the event of what came later: the payment's version ($6) says which is
-- newer. Where it does not, what is taken or has ended is left for nothing but money back.
-- name: set_payment
UPDATE orders SET payment_id = $3, payment_status = $4, payment_action_url = $5, payment_version = $6,
    version = version + 1
WHERE tenant = $1 AND id = $2
    AND ($6 > payment_version OR ($6 = payment_version
        AND (payment_status IS NULL OR payment_status = 'created' OR payment_status = 'requires_action'
            OR payment_status = 'authorised' OR $4 IN ('partially_refunded', 'refunded'))))

-- The first reason stays.
-- name: set_failure
UPDATE orders SET failure_code = $3, failure_message = $4, payment_action_url = NULL, version = version + 1
WHERE tenant = $1 AND id = $2 AND status = 'pending' AND failure_code IS NULL

-- name: request_cancel
UPDATE orders SET cancel_requested = 1, version = version + 1
WHERE tenant = $1 AND id = $2 AND (status = 'pending' OR status = 'confirmed') AND cancel_requested = 0
