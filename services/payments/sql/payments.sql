-- name: insert_payment
INSERT INTO payments (id, tenant, order_id, status, amount, captured_amount, refunded_amount, currency, payment_method,
    return_url, return_requested, check_due_ms, order_confirmed, asked_ms, created_ms, updated_ms, version)
VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7, $8, $9, $10, 0, $12, $11, $11, 1);

-- name: find_payment_by_order
SELECT id, tenant, order_id, status, amount, captured_amount, refunded_amount, currency, payment_method, return_url,
    provider_id, action_url, failure_code, failure_message, return_requested, check_due_ms, refund_due_ms,
    order_confirmed, asked_ms, created_ms, updated_ms, version
FROM payments WHERE tenant = $1 AND order_id = $2;

-- name: find_payment
SELECT id, tenant, order_id, status, amount, captured_amount, refunded_amount, currency, payment_method, return_url,
    provider_id, action_url, failure_code, failure_message, return_requested, check_due_ms, refund_due_ms,
    order_confirmed, asked_ms, created_ms, updated_ms, version
FROM payments WHERE tenant = $1 AND id = $2;

-- name: find_payment_by_provider
SELECT id, tenant, order_id, status, amount, captured_amount, refunded_amount, currency, payment_method, return_url,
    provider_id, action_url, failure_code, failure_message, return_requested, check_due_ms, refund_due_ms,
    order_confirmed, asked_ms, created_ms, updated_ms, version
FROM payments WHERE provider_id = $1;

-- name: update_payment
UPDATE payments SET status = $2, captured_amount = $3, refunded_amount = $4, provider_id = $5, action_url = $6,
    failure_code = $7, failure_message = $8, return_requested = $9, check_due_ms = $10, order_confirmed = $11,
    updated_ms = $12, refund_due_ms = $13, version = version + 1
WHERE id = $1;

-- name: list_payments_due
-- What is due later than anything can be ($2; after a refund that failed: $4) was written when the clock was ahead.
-- Each is a search of its own, as an OR of the two would read the whole index.
SELECT tenant, order_id
FROM (SELECT tenant, order_id FROM payments WHERE check_due_ms <= $1 ORDER BY check_due_ms LIMIT $3) AS due
UNION ALL
SELECT tenant, order_id
FROM (SELECT tenant, order_id FROM payments
      WHERE check_due_ms > $2 AND (check_due_ms > $4 OR refund_due_ms IS NULL OR check_due_ms > refund_due_ms)
      ORDER BY check_due_ms LIMIT $3) AS ahead
LIMIT $3;

-- name: postpone_check
-- Until a refund that failed may be asked for again there is nothing to look at.
UPDATE payments SET check_due_ms = CASE WHEN refund_due_ms > $3 THEN refund_due_ms ELSE $3 END
WHERE tenant = $1 AND order_id = $2 AND check_due_ms IS NOT NULL;

-- name: insert_refund
INSERT INTO refunds (id, tenant, payment_id, request_key, amount, currency, status, provider_id, asked_ms, created_ms,
    updated_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, $9, $9);

-- name: find_refund
SELECT id, tenant, payment_id, request_key, amount, currency, status, provider_id, asked_ms, created_ms FROM refunds
WHERE id = $1;

-- name: find_refund_by_key
SELECT id, tenant, payment_id, request_key, amount, currency, status, provider_id, asked_ms, created_ms
FROM refunds WHERE payment_id = $1 AND request_key = $2;

-- name: find_refund_by_provider
SELECT id, tenant, payment_id, request_key, amount, currency, status, provider_id, asked_ms, created_ms
FROM refunds WHERE provider_id = $1;

-- name: update_refund
UPDATE refunds SET status = $2, provider_id = $3, updated_ms = $4 WHERE id = $1;

-- name: sum_open_refunds
SELECT COALESCE(SUM(amount), 0) FROM refunds WHERE payment_id = $1 AND status = 'pending';

-- name: count_returns
-- Of the refunds that we made by ourselves: those that are decided, and those that failed.
SELECT COUNT(CASE WHEN status <> 'pending' THEN 1 END), COUNT(CASE WHEN status = 'failed' THEN 1 END)
FROM refunds WHERE payment_id = $1 AND request_key LIKE 'return-%';

-- name: list_pending_refunds
-- Those that the provider has not answered. Those made later than now ($2) were made when the clock was ahead.
SELECT id FROM refunds
WHERE status = 'pending' AND COALESCE(provider_id, '') = '' AND (created_ms <= $1 OR created_ms > $2)
ORDER BY created_ms LIMIT $3;

-- name: insert_provider_event
INSERT INTO provider_events (id, type, received_ms) VALUES ($1, $2, $3);

-- name: find_provider_event
SELECT 1 FROM provider_events WHERE id = $1;

-- name: delete_old_provider_events
DELETE FROM provider_events WHERE id IN
    (SELECT id FROM provider_events WHERE received_ms <= $1 ORDER BY received_ms LIMIT $2);

-- name: insert_finding
INSERT INTO reconciliation_findings (id, tenant, kind, reference, action, created_ms) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, reference) DO NOTHING;

-- name: move_findings
UPDATE reconciliation_findings SET action = $4 WHERE tenant = $1 AND reference = $2 AND action = $3;

-- name: list_findings
SELECT id, kind, reference, action, created_ms FROM reconciliation_findings
WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3;

-- name: find_mark
SELECT value FROM reconciliation_marks WHERE name = $1;

-- name: set_mark
INSERT INTO reconciliation_marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: find_cursor
SELECT value FROM reconciliation_cursors WHERE name = $1;

-- name: set_cursor
INSERT INTO reconciliation_cursors (name, value) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
