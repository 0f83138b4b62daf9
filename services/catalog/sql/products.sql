-- Products and their SKUs, one at a time.

-- name: find_product
SELECT id, slug, title, brand, category, description, image_url, version, place
FROM product WHERE tenant = $1 AND id = $2;

-- name: find_product_key
SELECT id, place FROM product WHERE tenant = $1 AND id = $2;

-- name: find_product_key_by_slug
SELECT id, place FROM product WHERE tenant = $1 AND slug = $2;

-- name: find_any_product
SELECT id FROM product WHERE tenant = $1 LIMIT 1;

-- name: insert_product
INSERT INTO product (tenant, id, slug, title, title_key, brand, brand_key, category, description, image_url, version,
                     created_at_ms, updated_at_ms, place)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11, $12);

-- name: update_product
-- Changes nothing when somebody else was faster: the version is the lock.
UPDATE product SET title = $4, title_key = $5, brand = $6, brand_key = $7, category = $8, description = $9,
                   image_url = $10, version = version + 1, updated_at_ms = $11
WHERE tenant = $1 AND id = $2 AND version = $3;

-- name: delete_product
-- SKUs, prices and stock go with it.
DELETE FROM product WHERE tenant = $1 AND id = $2 AND version = $3;

-- name: insert_word
INSERT INTO product_word (tenant, word, product_id) VALUES ($1, $2, $3);

-- name: delete_word
DELETE FROM product_word WHERE tenant = $1 AND word = $2 AND product_id = $3;

-- name: insert_titles
-- Of the products, no more than $4, whose cards begin from place $2 on and before $3: their words, in the order of the
-- titles, so that each word's rows come one behind the other. CROSS JOIN has SQLite keep this order of the tables.
INSERT INTO word_by_title (tenant, word, title_key, product_id, place)
SELECT titled.tenant, w.word, titled.title_key, titled.id, titled.place
FROM (SELECT p.tenant, p.title_key, p.id, p.place
      FROM card_line c CROSS JOIN product p
      WHERE c.place >= $2 AND c.place < $3 AND c.tenant = $1 AND c.slug IS NOT NULL AND p.tenant = $1 AND p.id = c.id
      ORDER BY p.title_key, p.id LIMIT $4) AS titled
     CROSS JOIN product_word w
WHERE w.tenant = $1 AND w.product_id = titled.id;

-- name: delete_titles
DELETE FROM word_by_title
WHERE tenant = $1 AND product_id = $2 AND title_key = $3
  AND word IN (SELECT word FROM product_word WHERE tenant = $1 AND product_id = $2);

-- name: insert_sku
INSERT INTO sku (tenant, id, product_id, code, attributes, position, currency, amount)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: update_sku
UPDATE sku SET attributes = $3, currency = $4, amount = $5 WHERE tenant = $1 AND id = $2;

-- name: delete_sku
-- Its prices and its stock go with it.
DELETE FROM sku WHERE tenant = $1 AND id = $2;

-- name: close_sku_gap
-- The positions of a product's SKUs are 0, 1, 2, …: a new one takes their number.
UPDATE sku SET position = position - 1 WHERE tenant = $1 AND product_id = $2 AND position > $3;

-- name: insert_stock
INSERT INTO stock (tenant, sku_id, product_id, on_hand, reserved) VALUES ($1, $2, $3, $4, 0);

-- name: insert_price
INSERT INTO price (tenant, sku_id, currency, region, amount) VALUES ($1, $2, $3, $4, $5);

-- name: delete_prices
DELETE FROM price WHERE tenant = $1 AND sku_id = $2;

-- name: insert_lowest_price
INSERT INTO lowest_price (tenant, product_id, currency, region, amount, category, brand_key, place)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: delete_lowest_prices
DELETE FROM lowest_price WHERE tenant = $1 AND product_id = $2 RETURNING currency, region, category, brand_key;

-- name: list_skus_of_product
SELECT s.id, s.code, s.attributes, s.currency, s.amount, t.on_hand, t.reserved
FROM sku s JOIN stock t ON t.tenant = s.tenant AND t.sku_id = s.id
WHERE s.tenant = $1 AND s.product_id = $2
ORDER BY s.position;

-- name: list_prices_of_product
-- In the order of list_skus_of_product. CROSS JOIN has SQLite keep this order of the tables.
SELECT p.sku_id, p.currency, p.region, p.amount
FROM sku s CROSS JOIN price p
WHERE s.tenant = $1 AND s.product_id = $2 AND p.tenant = s.tenant AND p.sku_id = s.id
ORDER BY s.position, p.currency, p.region;

-- name: show_sku_detail
-- A SKU, priced as in show_cards, with what a cart shows of its product.
SELECT id, product_id, slug, title, image_url, code, attributes, currency, amount, available
FROM (
    SELECT s.id, s.product_id, p.slug, p.title, p.image_url, s.code, s.attributes,
           CASE WHEN $2 = '' THEN s.currency ELSE $2 END AS currency,
           COALESCE(r.amount, CASE WHEN $2 = '' OR $2 = s.currency THEN s.amount ELSE e.amount END) AS amount,
           t.on_hand - t.reserved AS available
    FROM sku s
    JOIN product p ON p.tenant = s.tenant AND p.id = s.product_id
    JOIN stock t ON t.tenant = s.tenant AND t.sku_id = s.id
    LEFT JOIN price r ON r.tenant = s.tenant AND r.sku_id = s.id
                     AND r.currency = CASE WHEN $2 = '' THEN s.currency ELSE $2 END AND r.region = $3 AND $3 <> ''
    LEFT JOIN price e ON e.tenant = s.tenant AND e.sku_id = s.id AND e.currency = $2 AND e.region = '' AND $2 <> ''
    WHERE s.tenant = $1
      AND s.id = $4
) AS priced
WHERE amount IS NOT NULL;

-- -- Categories ------------------------------------------------------------------------------------------------------

-- name: insert_category
INSERT INTO category (tenant, slug, title, product_count) VALUES ($1, $2, $3, 0) ON CONFLICT (tenant, slug) DO NOTHING;

-- name: count_category
UPDATE category SET product_count = product_count + $3 WHERE tenant = $1 AND slug = $2;

-- name: list_categories
SELECT slug, title, product_count FROM category WHERE tenant = $1 AND product_count > 0 ORDER BY title, slug LIMIT $2;

-- name: list_covers
-- In the order of list_categories.
SELECT c.slug,
       (SELECT p.image_url FROM product p
        WHERE p.tenant = c.tenant AND p.category = c.slug
          AND EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                      AND l.currency = $2 AND l.region IN ('', $3))
        ORDER BY p.id DESC LIMIT 1) AS image_url
FROM category c
WHERE c.tenant = $1 AND c.product_count > 0
ORDER BY c.title, c.slug
LIMIT $4;
