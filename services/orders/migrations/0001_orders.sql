-- Orders and their lines. Amounts are minor units of the order's one currency; times are milliseconds since 1970.
CREATE TABLE orders (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    customer_id TEXT,
    guest_hash TEXT,
    email TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'confirmed', 'failed', 'cancelled', 'fulfilled', 'refunded')),
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    currency TEXT NOT NULL,
    total BIGINT NOT NULL CHECK (total >= 0),
    shipping_method TEXT NOT NULL,
    shipping_title TEXT NOT NULL,
    shipping_price BIGINT NOT NULL CHECK (shipping_price >= 0),
    address_name TEXT NOT NULL,
    address_line1 TEXT NOT NULL,
    address_line2 TEXT,
    address_city TEXT NOT NULL,
    address_postal_code TEXT NOT NULL,
    address_country TEXT NOT NULL,
    payment_id TEXT,
    payment_status TEXT,
    payment_action_url TEXT,
    failure_code TEXT,
    failure_message TEXT,
    version BIGINT NOT NULL DEFAULT 1,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Lists go from the newest to the oldest: ids are UUIDv7, so their order is the order of time.
CREATE INDEX orders_by_customer ON orders (tenant, customer_id, id);
CREATE INDEX orders_by_guest ON orders (tenant, guest_hash, id);
CREATE INDEX orders_by_status ON orders (tenant, status, id);

CREATE TABLE order_line (
    tenant TEXT NOT NULL,
    order_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    sku_id TEXT NOT NULL,
    title TEXT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    price BIGINT NOT NULL CHECK (price >= 0),
    line_total BIGINT NOT NULL CHECK (line_total = quantity * price),
    PRIMARY KEY (tenant, order_id, position),
    FOREIGN KEY (tenant, order_id) REFERENCES orders (tenant, id)
);
