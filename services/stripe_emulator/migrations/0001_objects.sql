-- What the emulated provider keeps. Card numbers are never stored: a payment method names the test card that it stands
-- for, whose brand and last four digits are known.

CREATE TABLE payment_methods (
    id          TEXT PRIMARY KEY,
    card        TEXT NOT NULL,
    exp_month   BIGINT NOT NULL,
    exp_year    BIGINT NOT NULL,
    customer    TEXT,
    created_ms  BIGINT NOT NULL
);

CREATE TABLE customers (
    id          TEXT PRIMARY KEY,
    email       TEXT,
    name        TEXT,
    description TEXT,
    metadata    TEXT NOT NULL,
    created_ms  BIGINT NOT NULL
);

CREATE TABLE payment_intents (
    id                  TEXT PRIMARY KEY,
    client_secret       TEXT NOT NULL,
    status              TEXT NOT NULL,
    amount              BIGINT NOT NULL CHECK (amount > 0),
    amount_received     BIGINT NOT NULL CHECK (amount_received >= 0 AND amount_received <= amount),
    currency            TEXT NOT NULL,
    capture_method      TEXT NOT NULL,
    payment_method      TEXT,
    customer            TEXT,
    description         TEXT,
    metadata            TEXT NOT NULL,
    return_url          TEXT,
    latest_charge       TEXT,
    last_payment_error  TEXT,
    cancellation_reason TEXT,
    canceled_at_ms      BIGINT,
    created_ms          BIGINT NOT NULL
);
CREATE INDEX payment_intents_by_creation ON payment_intents (created_ms, id);

CREATE TABLE charges (
    id              TEXT PRIMARY KEY,
    payment_intent  TEXT NOT NULL REFERENCES payment_intents (id),
    status          TEXT NOT NULL,
    amount          BIGINT NOT NULL,
    amount_captured BIGINT NOT NULL CHECK (amount_captured >= 0 AND amount_captured <= amount),
    amount_refunded BIGINT NOT NULL CHECK (amount_refunded >= 0 AND amount_refunded <= amount),
    currency        TEXT NOT NULL,
    captured        BIGINT NOT NULL,
    failure_code    TEXT,
    decline_code    TEXT,
    failure_message TEXT,
    payment_method  TEXT NOT NULL,
    card            TEXT NOT NULL,
    created_ms      BIGINT NOT NULL
);
CREATE INDEX charges_by_intent ON charges (payment_intent);
CREATE INDEX charges_by_creation ON charges (created_ms, id);

CREATE TABLE refunds (
    id             TEXT PRIMARY KEY,
    charge         TEXT NOT NULL REFERENCES charges (id),
    payment_intent TEXT NOT NULL,
    status         TEXT NOT NULL,
    amount         BIGINT NOT NULL CHECK (amount > 0),
    currency       TEXT NOT NULL,
    reason         TEXT,
    metadata       TEXT NOT NULL,
    created_ms     BIGINT NOT NULL
);
CREATE INDEX refunds_by_intent ON refunds (payment_intent);
CREATE INDEX refunds_by_creation ON refunds (created_ms, id);

CREATE TABLE provider_events (
    id         TEXT PRIMARY KEY,
    type       TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX provider_events_by_creation ON provider_events (created_ms, id);

CREATE TABLE webhook_endpoints (
    id             TEXT PRIMARY KEY,
    url            TEXT NOT NULL,
    secret         TEXT NOT NULL,
    enabled_events TEXT NOT NULL,
    created_ms     BIGINT NOT NULL
);

-- The outbox: what is still to be told to an endpoint. A row goes when the endpoint has said 2xx.
CREATE TABLE webhook_deliveries (
    event    TEXT NOT NULL REFERENCES provider_events (id),
    endpoint TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    due_ms   BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    PRIMARY KEY (event, endpoint)
);
CREATE INDEX webhook_deliveries_by_due ON webhook_deliveries (due_ms);

CREATE TABLE request_keys (
    request_key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status      BIGINT NOT NULL,
    body        TEXT NOT NULL,
    created_ms  BIGINT NOT NULL
);
CREATE INDEX request_keys_by_creation ON request_keys (created_ms);

-- One value a name: the secrets that were made up at the first start.
CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
