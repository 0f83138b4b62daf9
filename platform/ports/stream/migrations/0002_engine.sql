-- For an engine that has no part in the transactions of this database: what committed and waits to be handed to it,
-- what was acknowledged in a transaction and it has not heard of yet, and how often a stream was made there.
CREATE TABLE stream_outgoing (
    stream text NOT NULL,
    id text NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (stream, id)
);
CREATE TABLE stream_acknowledged (
    stream text NOT NULL,
    group_name text NOT NULL,
    id bigint NOT NULL,
    PRIMARY KEY (stream, group_name, id)
);
CREATE TABLE stream_epoch (
    stream text PRIMARY KEY,
    epoch bigint NOT NULL
);
