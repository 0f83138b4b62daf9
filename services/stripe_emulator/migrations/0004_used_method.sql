-- The intent that was paid with it: without a customer, a method pays once.
ALTER TABLE payment_methods ADD COLUMN used_by TEXT;
