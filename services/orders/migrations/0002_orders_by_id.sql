-- The walk over all orders, of every tenant, from where it was left.
CREATE INDEX orders_by_id ON orders (id);
