-- What lists show of a product, all of it next to each other: line 0 is the product, lines 1, 2, … its SKUs in their
-- order. A page of a list is then one place of the file for each product, where the product, its SKUs and their stock
-- lie in six, at any size of the shop. Written with every change of them, in its transaction; the tables that it
-- repeats are what counts. A card begins at a multiple of 128, its place: more lines than a product can have.
CREATE TABLE card_line (
    place integer PRIMARY KEY,
    tenant text NOT NULL,
    id text NOT NULL,
    slug text,
    title text,
    brand text,
    category text,
    description text,
    image_url text,
    version bigint,
    code text,
    attributes text,
    currency text,
    amount bigint,
    available bigint
);

ALTER TABLE product ADD COLUMN place bigint NOT NULL DEFAULT 0;
UPDATE product SET place = numbered.number * 128
FROM (SELECT tenant, id, row_number() OVER (ORDER BY tenant, id) AS number FROM product) AS numbered
WHERE product.tenant = numbered.tenant AND product.id = numbered.id;

ALTER TABLE lowest_price ADD COLUMN place bigint NOT NULL DEFAULT 0;
UPDATE lowest_price SET place = (SELECT p.place FROM product p
                                 WHERE p.tenant = lowest_price.tenant AND p.id = lowest_price.product_id);

-- Line by line in the order of the places, so that the pages of the file are full.
INSERT INTO card_line (place, tenant, id, slug, title, brand, category, description, image_url, version, code,
                       attributes, currency, amount, available)
SELECT CASE WHEN line.is_sku = 0 THEN p.place ELSE p.place + 1 + s.position END, p.tenant,
       CASE WHEN line.is_sku = 0 THEN p.id ELSE s.id END,
       CASE WHEN line.is_sku = 0 THEN p.slug END, CASE WHEN line.is_sku = 0 THEN p.title END,
       CASE WHEN line.is_sku = 0 THEN p.brand END, CASE WHEN line.is_sku = 0 THEN p.category END,
       CASE WHEN line.is_sku = 0 THEN p.description END, CASE WHEN line.is_sku = 0 THEN p.image_url END,
       CASE WHEN line.is_sku = 0 THEN p.version END, s.code, s.attributes, s.currency, s.amount,
       t.on_hand - t.reserved
FROM product p
CROSS JOIN (SELECT 0 AS is_sku UNION ALL SELECT 1 AS is_sku) AS line
LEFT JOIN sku s ON line.is_sku = 1 AND s.tenant = p.tenant AND s.product_id = p.id
LEFT JOIN stock t ON t.tenant = s.tenant AND t.sku_id = s.id
WHERE line.is_sku = 0 OR s.id IS NOT NULL;

-- Each order of a list leads to the place by its index alone.
DROP INDEX product_by_category;
DROP INDEX product_by_brand;
DROP INDEX product_by_title;
DROP INDEX product_by_category_title;
DROP INDEX product_by_brand_title;
DROP INDEX lowest_price_by_amount;
DROP INDEX lowest_price_by_category;
DROP INDEX lowest_price_by_brand;
CREATE INDEX product_by_category ON product (tenant, category, id, place);
CREATE INDEX product_by_brand ON product (tenant, brand_key, id, category, place);
CREATE INDEX product_by_title ON product (tenant, title_key, id, place);
CREATE INDEX product_by_category_title ON product (tenant, category, title_key, id, place);
CREATE INDEX product_by_brand_title ON product (tenant, brand_key, title_key, id, category, place);
CREATE INDEX lowest_price_by_amount ON lowest_price (tenant, currency, region, amount, product_id, place);
CREATE INDEX lowest_price_by_category
    ON lowest_price (tenant, category, currency, region, amount, product_id, place);
CREATE INDEX lowest_price_by_brand
    ON lowest_price (tenant, brand_key, currency, region, amount, product_id, category, place);
