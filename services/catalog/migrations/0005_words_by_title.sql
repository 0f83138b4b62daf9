-- The products of a word in the order of their titles. Titles and words go together: on the way through all titles a
-- list may pass half of the shop before the first product that has the word.
CREATE TABLE word_by_title (
    tenant text NOT NULL,
    word text NOT NULL,
    title_key text NOT NULL,
    product_id text NOT NULL,
    PRIMARY KEY (tenant, word, title_key, product_id)
);

-- In the order of the titles, so that each word's rows come one behind the other. CROSS JOIN has SQLite keep this order
-- of the tables.
INSERT INTO word_by_title (tenant, word, title_key, product_id)
SELECT p.tenant, w.word, p.title_key, p.id
FROM (SELECT tenant, title_key, id FROM product ORDER BY tenant, title_key, id) AS p CROSS JOIN product_word w
WHERE w.tenant = p.tenant AND w.product_id = p.id;
