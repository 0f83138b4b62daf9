-- name: insert_payment_method
INSERT INTO payment_methods (id, card, exp_month, exp_year, customer, created_ms, used_by)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: find_payment_method
SELECT id, card, exp_month, exp_year, customer, created_ms, used_by FROM payment_methods WHERE id = $1;

-- name: use_payment_method
UPDATE payment_methods SET used_by = $2 WHERE id = $1;

-- name: attach_payment_method
UPDATE payment_methods SET customer = $2 WHERE id = $1;

-- name: insert_customer
INSERT INTO customers (id, email, name, description, metadata, created_ms) VALUES ($1, $2, $3, $4, $5, $6);

-- name: find_customer
SELECT id, email, name, description, metadata, created_ms FROM customers WHERE id = $1;

-- name: delete_customer
DELETE FROM customers WHERE id = $1;

-- name: insert_intent
INSERT INTO payment_intents (id, client_secret, status, amount, amount_received, currency, capture_method,
    payment_method, customer, description, metadata, return_url, latest_charge, last_payment_error,
    cancellation_reason, canceled_at_ms, created_ms, traceparent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18);

-- name: update_intent
UPDATE payment_intents SET status = $2, amount = $3, amount_received = $4, currency = $5, capture_method = $6,
    payment_method = $7, customer = $8, description = $9, metadata = $10, return_url = $11, latest_charge = $12,
    last_payment_error = $13, cancellation_reason = $14, canceled_at_ms = $15
WHERE id = $1;

-- name: find_intent
SELECT id, client_secret, status, amount, amount_received, currency, capture_method, payment_method, customer,
    description, metadata, return_url, latest_charge, last_payment_error, cancellation_reason, canceled_at_ms,
    created_ms, traceparent
FROM payment_intents WHERE id = $1;

-- name: find_intent_position
SELECT created_ms FROM payment_intents WHERE id = $1;

-- name: list_intents
SELECT id, client_secret, status, amount, amount_received, currency, capture_method, payment_method, customer,
    description, metadata, return_url, latest_charge, last_payment_error, cancellation_reason, canceled_at_ms,
    created_ms, traceparent
FROM payment_intents
WHERE created_ms >= $1 AND created_ms <= $2 AND (created_ms, id) < ($3, $4)
ORDER BY created_ms DESC, id DESC LIMIT $5;

-- name: insert_charge
INSERT INTO charges (id, payment_intent, status, amount, amount_captured, amount_refunded, currency, captured,
    failure_code, decline_code, failure_message, payment_method, card, created_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: update_charge
UPDATE charges SET amount_captured = $2, amount_refunded = $3, captured = $4 WHERE id = $1;

-- name: find_charge
SELECT id, payment_intent, status, amount, amount_captured, amount_refunded, currency, captured, failure_code,
    decline_code, failure_message, payment_method, card, created_ms
FROM charges WHERE id = $1;

-- name: find_charge_position
SELECT created_ms FROM charges WHERE id = $1;

-- name: list_charges
-- $6: one intent's, or '' for all.
SELECT id, payment_intent, status, amount, amount_captured, amount_refunded, currency, captured, failure_code,
    decline_code, failure_message, payment_method, card, created_ms
FROM charges
WHERE created_ms >= $1 AND created_ms <= $2 AND (created_ms, id) < ($3, $4) AND ($6 = '' OR payment_intent = $6)
ORDER BY created_ms DESC, id DESC LIMIT $5;

-- name: insert_refund
INSERT INTO refunds (id, charge, payment_intent, status, amount, currency, reason, metadata, created_ms, next_status,
    turn_due_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: update_refund
UPDATE refunds SET status = $2, next_status = $3, turn_due_ms = $4, failure_reason = $5 WHERE id = $1;

-- name: find_refund
SELECT id, charge, payment_intent, status, amount, currency, reason, metadata, created_ms, next_status, turn_due_ms,
    failure_reason
FROM refunds WHERE id = $1;

-- name: find_due_refund
SELECT id, charge, payment_intent, status, amount, currency, reason, metadata, created_ms, next_status, turn_due_ms,
    failure_reason
FROM refunds WHERE turn_due_ms <= $1 ORDER BY turn_due_ms LIMIT 1;

-- name: find_refund_position
SELECT created_ms FROM refunds WHERE id = $1;

-- name: list_refunds
SELECT id, charge, payment_intent, status, amount, currency, reason, metadata, created_ms, next_status, turn_due_ms,
    failure_reason
FROM refunds
WHERE created_ms >= $1 AND created_ms <= $2 AND (created_ms, id) < ($3, $4) AND ($6 = '' OR payment_intent = $6)
ORDER BY created_ms DESC, id DESC LIMIT $5;

-- name: sum_balance
-- What was captured and not given back, by currency.
SELECT currency, SUM(amount_captured - amount_refunded) FROM charges
WHERE status = 'succeeded' AND captured = 1 GROUP BY currency ORDER BY currency;
