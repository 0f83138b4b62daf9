-- What ended is purged in the order in which it ended, without reading what did not.

CREATE INDEX workflow_ended ON workflow (updated_at_ms, id) WHERE status IN ('completed', 'failed');
