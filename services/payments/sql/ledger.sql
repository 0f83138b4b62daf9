-- name: insert_transaction
INSERT INTO ledger_transactions (id, tenant, kind, payment_id, reference, created_ms) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, reference) DO NOTHING;

-- name: insert_entry
INSERT INTO ledger_entries (id, tenant, transaction_id, account, direction, amount, currency, created_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: check_transaction
-- Nothing but 0 may come out: debits less credits, and entries in another currency than the first.
SELECT SUM(CASE direction WHEN 'debit' THEN amount ELSE -amount END), MIN(currency) <> MAX(currency), COUNT(*)
FROM ledger_entries WHERE transaction_id = $1;

-- name: list_entries
SELECT id, transaction_id, account, direction, amount, currency, created_ms FROM ledger_entries
WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: sum_ledger
SELECT COALESCE(SUM(CASE direction WHEN 'debit' THEN amount ELSE -amount END), 0) FROM ledger_entries;
