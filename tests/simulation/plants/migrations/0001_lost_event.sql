-- Every seventh event never gets into the log.
CREATE TRIGGER lose BEFORE INSERT ON outbox
WHEN (SELECT COALESCE(MAX(seq), 0) FROM outbox) % 7 = 6 AND NEW.topic = 'order.lifecycle'
BEGIN SELECT RAISE(IGNORE); END;
