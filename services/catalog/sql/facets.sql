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
SELECT c.category, t.title, sum(c.products) AS products
FROM product_count c JOIN category t ON t.tenant = c.tenant AND t.slug = c.category
WHERE c.tenant = $1 AND c.currency = $4 AND c.region IN ('', $5)
  AND ($2 = '' OR c.category = $2) AND ($3 = '' OR c.brand_key = $3)
GROUP BY c.category, t.title HAVING sum(c.products) > 0 ORDER BY 3 DESC, c.category LIMIT $6;

-- name: count_by_brand
-- The same; a brand is written as its oldest product has it.
SELECT found.brand_key,
       (SELECT p.brand FROM product p WHERE p.tenant = $1 AND p.brand_key = found.brand_key ORDER BY p.id LIMIT 1),
       found.products
FROM (
    SELECT c.brand_key, sum(c.products) AS products
    FROM product_count c
    WHERE c.tenant = $1 AND c.currency = $4 AND c.region IN ('', $5) AND c.brand_key <> ''
      AND ($2 = '' OR c.category = $2) AND ($3 = '' OR c.brand_key = $3)
    GROUP BY c.brand_key HAVING sum(c.products) > 0 ORDER BY 2 DESC, c.brand_key LIMIT $6
) AS found ORDER BY found.products DESC, found.brand_key;

-- The products with words, of which no count is kept: they are gone through, no more than $7 of them. The parameters
-- are those of list.sql; $6 is beyond any id.

-- name: match_in_category
SELECT p.category, (SELECT t.title FROM category t WHERE t.tenant = p.tenant AND t.slug = p.category), p.brand_key,
       p.brand
FROM product p
WHERE p.tenant = $1 AND p.category = $2 AND p.id < $6
  AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($9, $10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
LIMIT $7;

-- name: match_of_brand
SELECT p.category, (SELECT t.title FROM category t WHERE t.tenant = p.tenant AND t.slug = p.category), p.brand_key,
       p.brand
FROM product p
WHERE p.tenant = $1 AND p.brand_key = $3 AND p.id < $6
  AND ($2 = '' OR p.category = $2)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($9, $10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
LIMIT $7;

-- name: match_with_word
-- The newest $7 that have the rarest word, and the other filters on those.
SELECT p.category, (SELECT t.title FROM category t WHERE t.tenant = p.tenant AND t.slug = p.category), p.brand_key,
       p.brand
FROM (SELECT product_id FROM product_word WHERE tenant = $1 AND word = $9 AND product_id < $6
      ORDER BY product_id DESC LIMIT $7) d CROSS JOIN product p
WHERE p.tenant = $1 AND p.id = d.product_id
  AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($9, $10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18));

-- name: match_with_beginning
SELECT p.category, (SELECT t.title FROM category t WHERE t.tenant = p.tenant AND t.slug = p.category), p.brand_key,
       p.brand
FROM (SELECT DISTINCT product_id
      FROM (SELECT product_id FROM product_word WHERE tenant = $1 AND word >= $17 AND word < $18 LIMIT $7) AS some) d
     CROSS JOIN product p
WHERE p.tenant = $1 AND p.id = d.product_id
  AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($9, $10, $11, $12, $13, $14, $15, $16)) = $8);
