-- What must hold in the end, in SQLite's own words: each statement gives one number. Nothing is shared with the
-- services.

-- name: on_hand
SELECT SUM(on_hand) FROM stock;

-- name: reserved
SELECT SUM(reserved) + (SELECT COUNT(*) FROM reservation WHERE status = 'held') FROM stock;

-- name: orders
SELECT COUNT(*) FROM orders;

-- name: refunded_orders
SELECT COUNT(*) FROM orders WHERE status = 'refunded' AND payment_status = 'refunded';

-- name: failed_orders
SELECT COUNT(*) FROM orders WHERE status = 'failed';

-- name: cancelled_orders
SELECT COUNT(*) FROM orders WHERE status = 'cancelled' AND payment_status = 'refunded';

-- name: order_total
SELECT SUM(total - shipping_price) FROM orders;

-- name: open_workflows
SELECT COUNT(*) FROM workflow WHERE status NOT IN ('completed', 'failed');

-- name: failed_workflows
SELECT COUNT(*) FROM workflow WHERE status = 'failed';

-- name: quarantined
SELECT COUNT(*) FROM quarantine;

-- name: messages
SELECT COUNT(*) FROM queue_message;

-- name: payments
SELECT COUNT(*) FROM payments WHERE status = 'refunded' AND captured_amount = refunded_amount AND captured_amount > 0;

-- name: refunds
SELECT COUNT(*) FROM refunds WHERE status = 'succeeded';

-- name: ledger_transactions
SELECT COUNT(*) FROM ledger_transactions;

-- name: unbalanced
SELECT COUNT(*) FROM (
    SELECT t.id FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id GROUP BY t.id
    HAVING COUNT(e.id) < 2 OR SUM(CASE e.direction WHEN 'debit' THEN e.amount ELSE -e.amount END) <> 0);

-- name: receivable
SELECT SUM(CASE direction WHEN 'debit' THEN amount ELSE -amount END) FROM ledger_entries
WHERE account = 'provider_receivable';

-- name: charges
SELECT COUNT(*) FROM charges;

-- name: refunded_charges
SELECT COUNT(*) FROM charges WHERE status = 'succeeded' AND amount_captured = amount AND amount_refunded = amount;

-- name: intents
SELECT COUNT(*) FROM payment_intents;

-- name: provider_refunds
SELECT COUNT(*) FROM refunds;

-- name: untold
SELECT COUNT(*) FROM webhook_deliveries;

-- name: accounts
SELECT COUNT(*) FROM account WHERE email_verified = 1;
