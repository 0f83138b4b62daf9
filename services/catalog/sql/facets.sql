-- How many products a list has, by category and by brand.

-- name: count_in
INSERT INTO product_count (tenant, currency, region, category, brand_key, products) VALUES ($1, $2, $3, $4, $5, 1)
ON CONFLICT (tenant, currency, region, category, brand_key) DO UPDATE SET products = product_count.products + 1;

-- name: count_out
UPDATE product_count SET products = products - 1
WHERE tenant = $1 AND currency = $2 AND region = $3 AND category = $4 AND brand_key = $5;

-- Parameters of the three that follow: $1 tenant, $2 category, $3 brand (folded), $4 currency ('': each product's own),
-- $5 region ('': none).

-- name: count_products
SELECT COALESCE(sum(products), 0) FROM product_count
WHERE tenant = $1 AND currency = $4 AND region IN ('', $5)
  AND ($2 = '' OR category = $2) AND ($3 = '' OR brand_key = $3);

-- name: count_by_category
-- The largest $6.
SELECT category, sum(products) FROM product_count
WHERE tenant = $1 AND currency = $4 AND region IN ('', $5)
  AND ($2 = '' OR category = $2) AND ($3 = '' OR brand_key = $3)
GROUP BY category HAVING sum(products) > 0 ORDER BY 2 DESC, category LIMIT $6;

-- name: count_by_brand
SELECT brand_key, sum(products) FROM product_count
WHERE tenant = $1 AND currency = $4 AND region IN ('', $5) AND brand_key <> ''
  AND ($2 = '' OR category = $2) AND ($3 = '' OR brand_key = $3)
GROUP BY brand_key HAVING sum(products) > 0 ORDER BY 2 DESC, brand_key LIMIT $6;

-- name: category_title
SELECT title FROM category WHERE tenant = $1 AND slug = $2;

-- name: brand_title
-- As its oldest product has it.
SELECT brand FROM product WHERE tenant = $1 AND brand_key = $2 ORDER BY id LIMIT 1;

-- The products with words, of which no count is kept: they are gone through, no more than $7 of them. The third column
-- is null where the product has no such price. The parameters are those of list.sql, without $6.

-- name: match_in_category
SELECT p.category, p.brand_key,
       COALESCE((SELECT l.amount FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                 AND l.currency = $4 AND l.region = $5),
                (SELECT l.amount FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                 AND l.currency = $4 AND l.region = ''))
FROM product p
WHERE p.tenant = $1 AND p.category = $2
  AND ($3 = '' OR p.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY p.id DESC
LIMIT $7;

-- name: match_of_brand
SELECT p.category, p.brand_key,
       COALESCE((SELECT l.amount FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                 AND l.currency = $4 AND l.region = $5),
                (SELECT l.amount FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                 AND l.currency = $4 AND l.region = ''))
FROM product p
WHERE p.tenant = $1 AND p.brand_key = $3
  AND ($2 = '' OR p.category = $2)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY p.id DESC
LIMIT $7;

-- name: match_with_word
-- The newest $7 that have the rarest word, and the other filters on those.
SELECT p.category, p.brand_key,
       COALESCE((SELECT l.amount FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                 AND l.currency = $4 AND l.region = $5),
                (SELECT l.amount FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                 AND l.currency = $4 AND l.region = ''))
FROM (SELECT product_id FROM product_word WHERE tenant = $1 AND word = $9 ORDER BY product_id DESC LIMIT $7) d
     CROSS JOIN product p
WHERE p.tenant = $1 AND p.id = d.product_id
  AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18));

-- name: match_with_beginning
SELECT p.category, p.brand_key,
       COALESCE((SELECT l.amount FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                 AND l.currency = $4 AND l.region = $5),
                (SELECT l.amount FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                 AND l.currency = $4 AND l.region = ''))
FROM (SELECT DISTINCT product_id
      FROM (SELECT product_id FROM product_word WHERE tenant = $1 AND word >= $17 AND word < $18 LIMIT $7) AS counted) d
     CROSS JOIN product p
WHERE p.tenant = $1 AND p.id = d.product_id
  AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8);
