-- name: put_outgoing
INSERT INTO stream_outgoing (stream, id, payload) VALUES ($1, $2, $3);

-- name: list_outgoing
SELECT id, payload FROM stream_outgoing WHERE stream = $1 ORDER BY id LIMIT $2;

-- name: delete_outgoing
DELETE FROM stream_outgoing WHERE stream = $1 AND id = $2;

-- name: put_acknowledged
INSERT INTO stream_acknowledged (stream, group_name, id) VALUES ($1, $2, $3)
ON CONFLICT (stream, group_name, id) DO NOTHING;

-- name: list_acknowledged
SELECT group_name, id FROM stream_acknowledged WHERE stream = $1 ORDER BY group_name, id LIMIT $2;

-- name: delete_acknowledged
DELETE FROM stream_acknowledged WHERE stream = $1 AND group_name = $2 AND id = $3;

-- name: begin_epoch
INSERT INTO stream_epoch (stream, epoch) VALUES ($1, 0)
ON CONFLICT (stream) DO UPDATE SET epoch = stream_epoch.epoch + 1;

-- name: get_epoch
SELECT epoch FROM stream_epoch WHERE stream = $1;
