-- How a line's article looked when it was ordered, beside its title and price: the members product_slug, attributes and
-- image_url of the line's JSON. Lines of before have none.
ALTER TABLE order_line ADD COLUMN shown TEXT;
