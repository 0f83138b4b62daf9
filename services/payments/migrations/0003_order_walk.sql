-- How far the walk over the orders has come: an order's id.
CREATE TABLE reconciliation_cursors (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
