-- A refund that the bank has not decided on, or sends back: what its status turns to, and when (steady time).
ALTER TABLE refunds ADD COLUMN next_status TEXT;
ALTER TABLE refunds ADD COLUMN turn_due_ms BIGINT;
ALTER TABLE refunds ADD COLUMN failure_reason TEXT;
CREATE INDEX refunds_by_turn ON refunds (turn_due_ms);
