-- When money that is owed and whose refund failed is asked to go back again (steady time); NULL: no refund failed.
ALTER TABLE payments ADD COLUMN refund_due_ms BIGINT;

-- A finding says that money is returned when it is back: found by what it is about.
CREATE INDEX reconciliation_findings_by_reference ON reconciliation_findings (tenant, reference);
