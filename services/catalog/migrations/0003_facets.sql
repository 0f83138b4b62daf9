-- Whether a product has a word that begins so.
CREATE INDEX product_word_by_product ON product_word (tenant, product_id, word);

-- How many products of a category and a brand have a price in a currency and region, as lowest_price says; of a region,
-- those alone that have none in that currency for everywhere, so that a region's and those of everywhere are the sum.
CREATE TABLE product_count (
    tenant text NOT NULL,
    currency text NOT NULL,
    region text NOT NULL,
    category text NOT NULL,
    brand_key text NOT NULL,
    products bigint NOT NULL CHECK (products >= 0),
    PRIMARY KEY (tenant, currency, region, category, brand_key)
);
INSERT INTO product_count (tenant, currency, region, category, brand_key, products)
SELECT l.tenant, l.currency, l.region, l.category, l.brand_key, count(*)
FROM lowest_price l
WHERE l.region = '' OR NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant
                                   AND o.product_id = l.product_id AND o.currency = l.currency AND o.region = '')
GROUP BY l.tenant, l.currency, l.region, l.category, l.brand_key;
