-- Which version of the payment the order shows: what is told later and is older changes nothing.
ALTER TABLE orders ADD COLUMN payment_version BIGINT NOT NULL DEFAULT 0;
