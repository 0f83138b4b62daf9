-- What the audit asks the stores, in SQLite's own words; nothing here is shared with the services.

-- name: orders
SELECT id, status, total FROM orders ORDER BY id;

-- name: stock
SELECT sku_id, on_hand, reserved FROM stock ORDER BY sku_id;

-- name: held
SELECT id FROM reservation WHERE status = 'held';

-- name: unbalanced
SELECT t.id, t.kind FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id
GROUP BY t.id
HAVING COUNT(e.id) < 2 OR SUM(CASE e.direction WHEN 'debit' THEN e.amount ELSE -e.amount END) <> 0
    OR COUNT(DISTINCT e.currency) <> 1;

-- name: receivable
SELECT COALESCE(SUM(CASE direction WHEN 'debit' THEN amount ELSE -amount END), 0)
FROM ledger_entries WHERE account = 'provider_receivable';

-- name: untrue_findings
-- Every order that stands was charged, and no payment's row is ever lost.
SELECT kind, reference FROM reconciliation_findings WHERE kind IN ('order_without_charge', 'charge_without_payment');

-- name: unfinished_returns
-- Money that is still to go back, and money that is said to be back and is not.
SELECT f.kind, f.reference FROM reconciliation_findings f LEFT JOIN payments p ON p.order_id = f.reference
WHERE f.action = 'returning'
    OR (f.action = 'returned' AND p.captured_amount > p.refunded_amount);

-- name: provider_total
-- What was held and let go is shown as refunded, without having been taken.
SELECT COALESCE(SUM(amount_captured - amount_refunded), 0) FROM charges WHERE status = 'succeeded' AND captured = 1;

-- name: charges
-- Each charge that went through, with the order that it was made for; one that was made by hand is no order's.
SELECT CASE WHEN json_extract(i.metadata, '$.by_hand') IS NULL THEN COALESCE(json_extract(i.metadata, '$.order_id'), '')
    ELSE '' END, i.status, c.amount_captured, c.amount_refunded * c.captured, c.id
FROM charges c JOIN payment_intents i ON i.id = c.payment_intent WHERE c.status = 'succeeded' ORDER BY c.id;

-- name: quarantined
SELECT consumer_group, type, key, detail FROM quarantine;

-- name: messages
SELECT queue, attempts, COALESCE(last_error, '') FROM queue_message;

-- name: unfinished_workflows
SELECT type, id, status FROM workflow WHERE status NOT IN ('completed', 'failed');

-- name: record
INSERT INTO recorded (event_id, source, position) VALUES ($1, $2, $3);

-- name: plant_lose_event
-- As a log in memory would: what came last is gone after a crash, whoever has not read it yet.
DELETE FROM outbox WHERE seq = (SELECT MAX(seq) FROM outbox);

-- name: plant_available
SELECT on_hand FROM stock WHERE tenant = $1 AND sku_id = $2;

-- name: plant_sell
UPDATE stock SET on_hand = MAX(on_hand - $3, 0) WHERE tenant = $1 AND sku_id = $2;

-- name: plant_give_back
UPDATE stock SET on_hand = on_hand + $3 WHERE tenant = $1 AND sku_id = $2;

-- name: plant_forget_ends
UPDATE session SET expires_at_ms = 9000000000000000;
