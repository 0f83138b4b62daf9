-- Blocks are of sessions alone. Whose tokens were blocked up to a time, as a role was taken away, signs in again.
ALTER TABLE token_block RENAME TO token_block_by_kind;
DROP INDEX token_block_by_end;
CREATE TABLE token_block (
    session_id text PRIMARY KEY,
    until_ms bigint NOT NULL
);
CREATE INDEX token_block_by_end ON token_block (until_ms);
INSERT INTO token_block (session_id, until_ms) SELECT id, until_ms FROM token_block_by_kind WHERE kind = 'session';
INSERT INTO token_block (session_id, until_ms)
SELECT s.id, CASE WHEN s.tokens_until_ms > b.until_ms THEN s.tokens_until_ms ELSE b.until_ms END
FROM token_block_by_kind b JOIN session s ON s.user_id = b.id WHERE b.kind = 'user';
DELETE FROM session WHERE user_id IN (SELECT id FROM token_block_by_kind WHERE kind = 'user');
DROP TABLE token_block_by_kind;
