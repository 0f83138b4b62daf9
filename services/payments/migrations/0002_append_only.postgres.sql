-- The books are written once: a mistake is corrected by a booking of its own.

CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE TRIGGER ledger_transactions_keep BEFORE UPDATE ON ledger_transactions
FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER ledger_transactions_stay BEFORE DELETE ON ledger_transactions
FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER ledger_entries_keep BEFORE UPDATE ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
CREATE TRIGGER ledger_entries_stay BEFORE DELETE ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();
