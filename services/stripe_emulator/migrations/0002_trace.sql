-- The trace of the request that made an intent; what is told of the intent later belongs to it, whoever caused it.

ALTER TABLE payment_intents ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';
ALTER TABLE provider_events ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';
