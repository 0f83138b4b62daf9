-- Products, their SKUs, prices and stock. Every key starts with the tenant.

CREATE TABLE category (
    tenant text NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    product_count bigint NOT NULL CHECK (product_count >= 0),
    PRIMARY KEY (tenant, slug)
);

-- title_key and brand_key are the folded forms (lower case, no accents) that lists sort and filter by.
-- id is a UUIDv7, so that its order is the order of creation.
CREATE TABLE product (
    tenant text NOT NULL,
    id text NOT NULL,
    slug text NOT NULL,
    title text NOT NULL,
    title_key text NOT NULL,
    brand text NOT NULL,
    brand_key text NOT NULL,
    category text NOT NULL,
    description text NOT NULL,
    image_url text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    created_at_ms bigint NOT NULL,
    updated_at_ms bigint NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, slug)
);
-- The brand's indexes end with the category, which lists filter by on the way.
CREATE INDEX product_by_category ON product (tenant, category, id);
CREATE INDEX product_by_brand ON product (tenant, brand_key, id, category);
CREATE INDEX product_by_title ON product (tenant, title_key, id);
CREATE INDEX product_by_category_title ON product (tenant, category, title_key, id);
CREATE INDEX product_by_brand_title ON product (tenant, brand_key, title_key, id, category);

-- currency and amount are the SKU's own price; further ones are rows of price.
CREATE TABLE sku (
    tenant text NOT NULL,
    id text NOT NULL,
    product_id text NOT NULL,
    code text NOT NULL,
    attributes text NOT NULL,
    position bigint NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, code),
    FOREIGN KEY (tenant, product_id) REFERENCES product (tenant, id) ON DELETE CASCADE
);
CREATE INDEX sku_by_product ON sku (tenant, product_id, position);

-- A price in another currency, or of one country; region '' is everywhere.
CREATE TABLE price (
    tenant text NOT NULL,
    sku_id text NOT NULL,
    currency text NOT NULL,
    region text NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (tenant, sku_id, currency, region),
    FOREIGN KEY (tenant, sku_id) REFERENCES sku (tenant, id) ON DELETE CASCADE
);

-- The lowest price of a product's SKUs for each currency and region that it has prices in; currency '' stands for its
-- own. What lists sort by price from. category and brand_key are the product's, so that one index carries filter and
-- order.
CREATE TABLE lowest_price (
    tenant text NOT NULL,
    product_id text NOT NULL,
    currency text NOT NULL,
    region text NOT NULL,
    amount bigint NOT NULL,
    category text NOT NULL,
    brand_key text NOT NULL,
    PRIMARY KEY (tenant, product_id, currency, region),
    FOREIGN KEY (tenant, product_id) REFERENCES product (tenant, id) ON DELETE CASCADE
);
CREATE INDEX lowest_price_by_amount ON lowest_price (tenant, currency, region, amount, product_id);
CREATE INDEX lowest_price_by_category ON lowest_price (tenant, category, currency, region, amount, product_id);
CREATE INDEX lowest_price_by_brand
    ON lowest_price (tenant, brand_key, currency, region, amount, product_id, category);

-- Each word of a product's title, brand and description, once.
CREATE TABLE product_word (
    tenant text NOT NULL,
    word text NOT NULL,
    product_id text NOT NULL,
    PRIMARY KEY (tenant, word, product_id)
);

-- What is there and what of it is spoken for. The check is the last line against selling what is not there.
CREATE TABLE stock (
    tenant text NOT NULL,
    sku_id text NOT NULL,
    product_id text NOT NULL,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    PRIMARY KEY (tenant, sku_id),
    CHECK (reserved >= 0),
    CHECK (on_hand - reserved >= 0),
    FOREIGN KEY (tenant, sku_id) REFERENCES sku (tenant, id) ON DELETE CASCADE
);

-- status: held, committed, released or expired. A release that came before its reserve leaves a released row.
CREATE TABLE reservation (
    tenant text NOT NULL,
    id text NOT NULL,
    status text NOT NULL,
    expires_at_ms bigint NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX reservation_by_expiry ON reservation (status, expires_at_ms);

CREATE TABLE reservation_line (
    tenant text NOT NULL,
    reservation_id text NOT NULL,
    sku_id text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (tenant, reservation_id, sku_id)
);
