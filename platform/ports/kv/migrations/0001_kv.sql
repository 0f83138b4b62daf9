-- Rows by (tenant, space, key). The version of a new row starts at the wall clock's milliseconds, so that a row that
-- was deleted and made again does not repeat a version that somebody still holds.
CREATE TABLE kv_row (
    tenant text NOT NULL,
    space text NOT NULL,
    item_key text NOT NULL,
    value bytea NOT NULL,
    version bigint NOT NULL,
    index_key text,
    expires_at_ms bigint,
    PRIMARY KEY (tenant, space, item_key)
);
CREATE INDEX kv_row_by_index ON kv_row (tenant, space, index_key, item_key) WHERE index_key IS NOT NULL;
CREATE INDEX kv_row_by_expiry ON kv_row (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
