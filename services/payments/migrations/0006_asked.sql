-- When the provider was first asked with the key of the row (steady time), by which the age of the key is known,
-- whatever the wall clock says. NULL: never, or by a version that did not note it.
ALTER TABLE payments ADD COLUMN asked_ms BIGINT;
ALTER TABLE refunds ADD COLUMN asked_ms BIGINT;
