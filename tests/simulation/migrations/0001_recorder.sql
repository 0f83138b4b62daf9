-- Each event as often as it took effect.
CREATE TABLE recorded (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    source TEXT NOT NULL,
    position BIGINT NOT NULL
);
