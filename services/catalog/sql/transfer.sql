-- What the export reads: the whole shop in the order in which it was made, by two streams that go side by side.

-- name: export_skus
-- CROSS JOIN has SQLite keep this order of the tables, which is the order of the rows.
SELECT s.id, p.slug, p.title, p.brand, p.category, p.description, p.image_url, s.code, s.attributes, s.amount,
       s.currency, t.on_hand
FROM product p CROSS JOIN sku s CROSS JOIN stock t
WHERE p.tenant = $1 AND s.tenant = p.tenant AND s.product_id = p.id AND t.tenant = s.tenant AND t.sku_id = s.id
ORDER BY p.id, s.position;

-- name: export_prices
SELECT s.id, r.currency, r.region, r.amount
FROM product p CROSS JOIN sku s CROSS JOIN price r
WHERE p.tenant = $1 AND s.tenant = p.tenant AND s.product_id = p.id AND r.tenant = s.tenant AND r.sku_id = s.id
ORDER BY p.id, s.position, r.currency, r.region;
