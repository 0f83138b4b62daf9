-- What the consumers of the conformance suite write, in the order in which events took effect.

-- name: test_insert_effect
INSERT INTO effect (source_offset, key, payload) VALUES ($1, $2, $3);

-- name: test_list_effects
SELECT source_offset, key, payload FROM effect ORDER BY n;

-- name: test_count_effects
SELECT count(*), count(DISTINCT source_offset) FROM effect;

-- name: test_count_outbox
SELECT count(*), coalesce(min(seq), 0) FROM outbox;
