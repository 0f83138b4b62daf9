-- By which a reader knows that a hole in the log stays one: when every transaction below `next` of then has ended, that
-- is, when `oldest` of now has reached it. Here one transaction writes at a time, and what is read is final.
CREATE VIEW outbox_horizon AS SELECT 0 AS oldest, 0 AS next;
