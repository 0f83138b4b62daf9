-- Pages of the product list: ids and places of cards, by keyset. Each order has a statement for each way in: all, those
-- of a category, those of a brand (an index each, so that a page costs the same at any size of the shop), those with a
-- word, and those with a word that begins so. What is not the way in is a condition on the rows met on it.
--
-- Parameters of all of them: $1 tenant, $2 category, $3 brand (folded), $4 currency ('': each product's own), $5 region
-- ('': none), $6 the id behind which the page starts, $7 rows, $8 number of words that are conditions, $9 the word that
-- leads ('': none does), $10 to $16 the words that are conditions ('' where there are fewer), $17 how a further word
-- begins ('': none is asked for) and $18 what no such word reaches; for prices and titles also $19, the price or title
-- behind which the page starts.

-- name: word_frequency
-- How many products have the word, counted no further than $3.
SELECT count(*) FROM (SELECT 1 FROM product_word WHERE tenant = $1 AND word = $2 LIMIT $3) AS counted;

-- name: beginning_frequency
-- How many words of products lie from $2 on and before $3, counted no further than $4.
SELECT count(*) FROM (SELECT 1 FROM product_word WHERE tenant = $1 AND word >= $2 AND word < $3 LIMIT $4) AS counted;

-- name: first_word
-- The first word from $2 on and before $3.
SELECT word FROM product_word WHERE tenant = $1 AND word >= $2 AND word < $3 ORDER BY word LIMIT 1;

-- name: next_word
-- The first word behind $2 and before $3: one bound below, or SQLite goes through all products of the word.
SELECT word FROM product_word WHERE tenant = $1 AND word > $2 AND word < $3 ORDER BY word LIMIT 1;

-- name: list_newest
SELECT p.id, 0 AS sort_key, p.place
FROM product p
WHERE p.tenant = $1 AND p.id < $6
  AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY p.id DESC
LIMIT $7;

-- name: list_by_title
SELECT p.id, p.title_key AS sort_key, p.place
FROM product p
WHERE p.tenant = $1 AND (p.title_key, p.id) > ($19, $6)
  AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY p.title_key, p.id
LIMIT $7;

-- name: list_cheapest
-- The prices of the region, and those from everywhere of products without one of their own in the region.
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.currency = $4 AND l.region = $5 AND (l.amount, l.product_id) > ($19, $6)
  AND ($2 = '' OR l.category = $2) AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
UNION ALL
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.currency = $4 AND l.region = '' AND (l.amount, l.product_id) > ($19, $6)
  AND ($2 = '' OR l.category = $2) AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
  AND $5 <> '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant AND o.product_id = l.product_id
                               AND o.currency = l.currency AND o.region = $5)
ORDER BY sort_key, id
LIMIT $7;

-- name: list_dearest
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.currency = $4 AND l.region = $5 AND (l.amount, l.product_id) < ($19, $6)
  AND ($2 = '' OR l.category = $2) AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
UNION ALL
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.currency = $4 AND l.region = '' AND (l.amount, l.product_id) < ($19, $6)
  AND ($2 = '' OR l.category = $2) AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
  AND $5 <> '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant AND o.product_id = l.product_id
                               AND o.currency = l.currency AND o.region = $5)
ORDER BY sort_key DESC, id DESC
LIMIT $7;

-- name: list_newest_in_category
SELECT p.id, 0 AS sort_key, p.place
FROM product p
WHERE p.tenant = $1 AND p.category = $2 AND p.id < $6
  AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY p.id DESC
LIMIT $7;

-- name: list_by_title_in_category
SELECT p.id, p.title_key AS sort_key, p.place
FROM product p
WHERE p.tenant = $1 AND p.category = $2 AND (p.title_key, p.id) > ($19, $6)
  AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY p.title_key, p.id
LIMIT $7;

-- name: list_cheapest_in_category
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.category = $2 AND l.currency = $4 AND l.region = $5 AND (l.amount, l.product_id) > ($19, $6)
  AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
UNION ALL
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.category = $2 AND l.currency = $4 AND l.region = '' AND (l.amount, l.product_id) > ($19, $6)
  AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
  AND $5 <> '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant AND o.product_id = l.product_id
                               AND o.currency = l.currency AND o.region = $5)
ORDER BY sort_key, id
LIMIT $7;

-- name: list_dearest_in_category
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.category = $2 AND l.currency = $4 AND l.region = $5 AND (l.amount, l.product_id) < ($19, $6)
  AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
UNION ALL
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.category = $2 AND l.currency = $4 AND l.region = '' AND (l.amount, l.product_id) < ($19, $6)
  AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
  AND $5 <> '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant AND o.product_id = l.product_id
                               AND o.currency = l.currency AND o.region = $5)
ORDER BY sort_key DESC, id DESC
LIMIT $7;

-- name: list_newest_of_brand
SELECT p.id, 0 AS sort_key, p.place
FROM product p
WHERE p.tenant = $1 AND p.brand_key = $3 AND p.id < $6
  AND ($2 = '' OR p.category = $2)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY p.id DESC
LIMIT $7;

-- name: list_by_title_of_brand
SELECT p.id, p.title_key AS sort_key, p.place
FROM product p
WHERE p.tenant = $1 AND p.brand_key = $3 AND (p.title_key, p.id) > ($19, $6)
  AND ($2 = '' OR p.category = $2)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY p.title_key, p.id
LIMIT $7;

-- name: list_cheapest_of_brand
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.brand_key = $3 AND l.currency = $4 AND l.region = $5 AND (l.amount, l.product_id) > ($19, $6)
  AND ($2 = '' OR l.category = $2)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
UNION ALL
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.brand_key = $3 AND l.currency = $4 AND l.region = '' AND (l.amount, l.product_id) > ($19, $6)
  AND ($2 = '' OR l.category = $2)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
  AND $5 <> '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant AND o.product_id = l.product_id
                               AND o.currency = l.currency AND o.region = $5)
ORDER BY sort_key, id
LIMIT $7;

-- name: list_dearest_of_brand
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.brand_key = $3 AND l.currency = $4 AND l.region = $5 AND (l.amount, l.product_id) < ($19, $6)
  AND ($2 = '' OR l.category = $2)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
UNION ALL
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM lowest_price l
WHERE l.tenant = $1 AND l.brand_key = $3 AND l.currency = $4 AND l.region = '' AND (l.amount, l.product_id) < ($19, $6)
  AND ($2 = '' OR l.category = $2)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
  AND $5 <> '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant AND o.product_id = l.product_id
                               AND o.currency = l.currency AND o.region = $5)
ORDER BY sort_key DESC, id DESC
LIMIT $7;

-- name: list_newest_with_word
-- CROSS JOIN has SQLite keep this order of the tables: the word's products, newest first.
SELECT p.id, 0 AS sort_key, p.place
FROM product_word d CROSS JOIN product p
WHERE d.tenant = $1 AND d.word = $9 AND d.product_id < $6 AND p.tenant = d.tenant AND p.id = d.product_id
  AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = p.tenant AND b.product_id = p.id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY d.product_id DESC
LIMIT $7;

-- name: list_by_title_with_word
-- The product itself is looked at only for a category or brand.
SELECT d.product_id AS id, d.title_key AS sort_key, d.place
FROM word_by_title d
WHERE d.tenant = $1 AND d.word = $9 AND (d.title_key, d.product_id) > ($19, $6)
  AND ($2 = '' AND $3 = '' OR EXISTS (SELECT 1 FROM product p WHERE p.tenant = d.tenant AND p.id = d.product_id
                                      AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)))
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = d.tenant
                                      AND l.product_id = d.product_id AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = d.tenant AND w.product_id = d.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = d.tenant AND b.product_id = d.product_id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY d.title_key, d.product_id
LIMIT $7;

-- name: list_cheapest_with_word
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM product_word d CROSS JOIN lowest_price l
WHERE d.tenant = $1 AND d.word = $9 AND l.tenant = d.tenant AND l.product_id = d.product_id
  AND l.currency = $4 AND l.region IN ('', $5)
  AND (l.region = $5 OR l.region = '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant
                                                      AND o.product_id = l.product_id AND o.currency = l.currency
                                                      AND o.region = $5))
  AND (l.amount, l.product_id) > ($19, $6)
  AND ($2 = '' OR l.category = $2) AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY l.amount, l.product_id
LIMIT $7;

-- name: list_dearest_with_word
SELECT l.product_id AS id, l.amount AS sort_key, l.place
FROM product_word d CROSS JOIN lowest_price l
WHERE d.tenant = $1 AND d.word = $9 AND l.tenant = d.tenant AND l.product_id = d.product_id
  AND l.currency = $4 AND l.region IN ('', $5)
  AND (l.region = $5 OR l.region = '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant
                                                      AND o.product_id = l.product_id AND o.currency = l.currency
                                                      AND o.region = $5))
  AND (l.amount, l.product_id) < ($19, $6)
  AND ($2 = '' OR l.category = $2) AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
  AND ($17 = '' OR EXISTS (SELECT 1 FROM product_word b WHERE b.tenant = l.tenant AND b.product_id = l.product_id
                           AND b.word >= $17 AND b.word < $18))
ORDER BY l.amount DESC, l.product_id DESC
LIMIT $7;

-- name: list_newest_with_beginning
-- The products that have such a word, each once.
SELECT DISTINCT p.id, 0 AS sort_key, p.place
FROM product_word d CROSS JOIN product p
WHERE d.tenant = $1 AND d.word >= $17 AND d.word < $18 AND p.tenant = d.tenant AND p.id = d.product_id AND p.id < $6
  AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
ORDER BY p.id DESC
LIMIT $7;

-- name: list_by_title_with_beginning
SELECT DISTINCT p.id, p.title_key AS sort_key, p.place
FROM product_word d CROSS JOIN product p
WHERE d.tenant = $1 AND d.word >= $17 AND d.word < $18 AND p.tenant = d.tenant AND p.id = d.product_id
  AND (p.title_key, p.id) > ($19, $6)
  AND ($2 = '' OR p.category = $2) AND ($3 = '' OR p.brand_key = $3)
  AND ($4 = '' AND $5 = '' OR EXISTS (SELECT 1 FROM lowest_price l WHERE l.tenant = p.tenant AND l.product_id = p.id
                                      AND l.currency = $4 AND l.region IN ('', $5)))
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = p.tenant AND w.product_id = p.id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
ORDER BY p.title_key, p.id
LIMIT $7;

-- name: list_cheapest_with_beginning
SELECT DISTINCT l.product_id AS id, l.amount AS sort_key, l.place
FROM product_word d CROSS JOIN lowest_price l
WHERE d.tenant = $1 AND d.word >= $17 AND d.word < $18 AND l.tenant = d.tenant AND l.product_id = d.product_id
  AND l.currency = $4 AND l.region IN ('', $5)
  AND (l.region = $5 OR l.region = '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant
                                                      AND o.product_id = l.product_id AND o.currency = l.currency
                                                      AND o.region = $5))
  AND (l.amount, l.product_id) > ($19, $6)
  AND ($2 = '' OR l.category = $2) AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
ORDER BY sort_key, id
LIMIT $7;

-- name: list_dearest_with_beginning
SELECT DISTINCT l.product_id AS id, l.amount AS sort_key, l.place
FROM product_word d CROSS JOIN lowest_price l
WHERE d.tenant = $1 AND d.word >= $17 AND d.word < $18 AND l.tenant = d.tenant AND l.product_id = d.product_id
  AND l.currency = $4 AND l.region IN ('', $5)
  AND (l.region = $5 OR l.region = '' AND NOT EXISTS (SELECT 1 FROM lowest_price o WHERE o.tenant = l.tenant
                                                      AND o.product_id = l.product_id AND o.currency = l.currency
                                                      AND o.region = $5))
  AND (l.amount, l.product_id) < ($19, $6)
  AND ($2 = '' OR l.category = $2) AND ($3 = '' OR l.brand_key = $3)
  AND ($8 = 0 OR (SELECT count(*) FROM product_word w WHERE w.tenant = l.tenant AND w.product_id = l.product_id
                  AND w.word IN ($10, $11, $12, $13, $14, $15, $16)) = $8)
ORDER BY sort_key DESC, id DESC
LIMIT $7;
