-- What the activities of the conformance suite write, to count their effects.

-- name: test_insert_effect
INSERT INTO effect (token, name) VALUES ($1, $2);

-- name: test_count_effects
SELECT count(*), count(DISTINCT token) FROM effect WHERE name = $1;

-- name: test_count_unfinished
SELECT count(*) FROM workflow WHERE status IN ('running', 'compensating', 'stuck');
