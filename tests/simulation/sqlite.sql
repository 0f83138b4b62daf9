-- How the model reads the rows that a commit has changed, in SQLite's own words; nothing here is shared with the
-- services. Each comes twice: the row that was changed, and every row.

-- name: begin_look
BEGIN;

-- name: end_look
COMMIT;

-- name: order_one
SELECT o.tenant, o.id, o.email, o.status, o.total, o.shipping_price, o.version, o.cancel_requested,
    (SELECT group_concat(l.sku_id || '=' || l.quantity || '@' || l.price, ' ') FROM order_line l
     WHERE l.tenant = o.tenant AND l.order_id = o.id)
FROM orders o WHERE o.rowid = $1;

-- name: order_all
SELECT o.tenant, o.id, o.email, o.status, o.total, o.shipping_price, o.version, o.cancel_requested,
    (SELECT group_concat(l.sku_id || '=' || l.quantity || '@' || l.price, ' ') FROM order_line l
     WHERE l.tenant = o.tenant AND l.order_id = o.id)
FROM orders o;

-- name: outbox_one
SELECT seq, type, key, tenant, event_id, topic FROM outbox WHERE seq = $1;

-- name: outbox_all
SELECT seq, type, key, tenant, event_id, topic FROM outbox ORDER BY seq;

-- name: recorded_one
SELECT seq, event_id, source, position FROM recorded WHERE seq = $1;

-- name: recorded_all
SELECT seq, event_id, source, position FROM recorded ORDER BY seq;

-- name: offset_one
SELECT consumer_group, source, position FROM consumer_offset WHERE rowid = $1;

-- name: offset_all
SELECT consumer_group, source, position FROM consumer_offset;

-- name: stock_one
SELECT tenant, sku_id, on_hand, reserved FROM stock WHERE rowid = $1;

-- name: stock_all
SELECT tenant, sku_id, on_hand, reserved FROM stock;

-- name: reservation_one
SELECT r.tenant, r.id, r.status,
    (SELECT group_concat(l.sku_id || '=' || l.quantity || '@0', ' ') FROM reservation_line l
     WHERE l.tenant = r.tenant AND l.reservation_id = r.id), r.rowid, r.expires_at_ms
FROM reservation r WHERE r.rowid = $1;

-- name: reservation_all
SELECT r.tenant, r.id, r.status,
    (SELECT group_concat(l.sku_id || '=' || l.quantity || '@0', ' ') FROM reservation_line l
     WHERE l.tenant = r.tenant AND l.reservation_id = r.id), r.rowid, r.expires_at_ms
FROM reservation r;

-- name: ledger_one
SELECT t.id, COUNT(e.id), COALESCE(SUM(CASE e.direction WHEN 'debit' THEN e.amount ELSE -e.amount END), 0),
    COUNT(DISTINCT e.currency), t.kind, t.reference
FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id WHERE t.rowid = $1 GROUP BY t.id;

-- name: ledger_all
SELECT t.id, COUNT(e.id), COALESCE(SUM(CASE e.direction WHEN 'debit' THEN e.amount ELSE -e.amount END), 0),
    COUNT(DISTINCT e.currency), t.kind, t.reference
FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id GROUP BY t.id;

-- name: entry_one
SELECT id, amount, direction FROM ledger_entries WHERE rowid = $1;

-- name: entry_all
SELECT id, amount, direction FROM ledger_entries;

-- name: payment_one
SELECT tenant, order_id, amount, captured_amount, refunded_amount, COALESCE(provider_id, '') FROM payments
WHERE rowid = $1;

-- name: payment_all
SELECT tenant, order_id, amount, captured_amount, refunded_amount, COALESCE(provider_id, '') FROM payments;

-- A charge that was made by hand, past the shop, is no order's. What was held and let go is shown as refunded, without
-- having been taken.
-- name: charge_one
SELECT CASE WHEN json_extract(i.metadata, '$.by_hand') IS NULL THEN COALESCE(json_extract(i.metadata, '$.order_id'), '')
    ELSE '' END, c.id, c.status, c.amount_captured, c.amount_refunded * c.captured
FROM charges c JOIN payment_intents i ON i.id = c.payment_intent WHERE c.rowid = $1;

-- name: charge_all
SELECT CASE WHEN json_extract(i.metadata, '$.by_hand') IS NULL THEN COALESCE(json_extract(i.metadata, '$.order_id'), '')
    ELSE '' END, c.id, c.status, c.amount_captured, c.amount_refunded * c.captured
FROM charges c JOIN payment_intents i ON i.id = c.payment_intent;

-- name: refund_one
SELECT id, charge, status, amount FROM refunds WHERE rowid = $1;

-- name: refund_all
SELECT id, charge, status, amount FROM refunds;
