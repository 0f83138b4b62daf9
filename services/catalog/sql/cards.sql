-- Cards: what lists show of a product (migration 0004). A place is where a card begins; 128 is how far it can reach.

-- name: last_line
SELECT COALESCE(max(place), 0) FROM card_line;

-- name: insert_product_line
INSERT INTO card_line (place, tenant, id, slug, title, brand, category, description, image_url, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: insert_sku_line
INSERT INTO card_line (place, tenant, id, code, attributes, currency, amount, available)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: delete_lines
DELETE FROM card_line WHERE tenant = $1 AND place >= $2 AND place < $2 + 128;

-- name: set_available
UPDATE card_line SET available = $4
WHERE tenant = $1 AND id = $3
  AND place > (SELECT place FROM product WHERE tenant = $1 AND id = $2)
  AND place < (SELECT place FROM product WHERE tenant = $1 AND id = $2) + 128;

-- name: show_cards
-- The lines of the cards of a page, in any order: sorting them would take as long as reading them. Places that are not
-- used hold 0. SKUs with their price in the currency $2 ('': their
-- own) and the region $3: the country's, else the one that holds everywhere; those without any are left out. A price is
-- looked for only where there may be one: no country's where no product has any of that country in the currency, and
-- none in the SKU's own currency. CROSS JOIN has SQLite keep this order of the tables.
SELECT c.place, c.id, c.slug, c.title, c.brand, c.category, c.description, c.image_url, c.version,
       c.code, c.attributes, CASE WHEN $2 = '' THEN c.currency ELSE $2 END AS currency,
       COALESCE(r.amount, CASE WHEN $2 = '' OR $2 = c.currency THEN c.amount ELSE e.amount END) AS amount, c.available
FROM (VALUES (CAST($4 AS bigint)), ($5), ($6), ($7), ($8), ($9), ($10), ($11), ($12), ($13), ($14), ($15), ($16),
             ($17), ($18), ($19), ($20), ($21), ($22), ($23), ($24), ($25), ($26), ($27), ($28)) AS page
CROSS JOIN card_line c
LEFT JOIN price r ON r.tenant = c.tenant
                 AND r.sku_id = CASE WHEN $3 <> '' AND ($2 = '' OR EXISTS (
                         SELECT 1 FROM lowest_price l
                         WHERE l.tenant = $1 AND l.currency = $2 AND l.region = $3)) THEN c.id END
                 AND r.currency = CASE WHEN $2 = '' THEN c.currency ELSE $2 END AND r.region = $3
LEFT JOIN price e ON e.tenant = c.tenant
                 AND e.sku_id = CASE WHEN $2 <> '' AND $2 <> c.currency THEN c.id END
                 AND e.currency = $2 AND e.region = ''
WHERE page.column1 > 0 AND c.tenant = $1 AND c.place >= page.column1 AND c.place < page.column1 + 128;
