-- What an edit of the stock is compared by. Sales and reservations do not move it.
ALTER TABLE stock ADD COLUMN version bigint NOT NULL DEFAULT 1;
