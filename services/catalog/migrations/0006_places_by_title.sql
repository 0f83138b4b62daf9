-- A page by title is read from the rows of its word alone: each leads to the card, not by way of the product. Part of
-- the key only so that the key's index has it; a card keeps its place as long as there is the product.
DROP TABLE word_by_title;
CREATE TABLE word_by_title (
    tenant text NOT NULL,
    word text NOT NULL,
    title_key text NOT NULL,
    product_id text NOT NULL,
    place bigint NOT NULL,
    PRIMARY KEY (tenant, word, title_key, product_id, place)
);

-- In the order of the titles, as before (migration 0005).
INSERT INTO word_by_title (tenant, word, title_key, product_id, place)
SELECT p.tenant, w.word, p.title_key, p.id, p.place
FROM (SELECT tenant, title_key, id, place FROM product ORDER BY tenant, title_key, id) AS p CROSS JOIN product_word w
WHERE w.tenant = p.tenant AND w.product_id = p.id;
