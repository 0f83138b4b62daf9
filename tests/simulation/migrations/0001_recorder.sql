-- Each event as often as it took effect.
CREATE TABLE recorded (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    order_id TEXT NOT NULL
);
CREATE INDEX recorded_by_order ON recorded (order_id);
