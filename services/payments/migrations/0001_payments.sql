-- One payment an order, what was given back of it, what the provider told, and the books.

CREATE TABLE payments (
    id               TEXT PRIMARY KEY,
    tenant           TEXT NOT NULL,
    order_id         TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('created', 'requires_action', 'authorised', 'captured', 'failed',
                         'voided', 'refunded', 'partially_refunded')),
    amount           BIGINT NOT NULL CHECK (amount >= 0),
    captured_amount  BIGINT NOT NULL CHECK (captured_amount >= 0 AND captured_amount <= amount),
    refunded_amount  BIGINT NOT NULL CHECK (refunded_amount >= 0 AND refunded_amount <= captured_amount),
    currency         TEXT NOT NULL,
    payment_method   TEXT NOT NULL,
    return_url       TEXT,
    provider_id      TEXT UNIQUE,
    action_url       TEXT,
    failure_code     TEXT,
    failure_message  TEXT,
    -- 1: the order wants the money back, or never wants it; what comes later is returned.
    return_requested BIGINT NOT NULL,
    -- When the reconciliation has to look at it (again); NULL: nothing is open.
    check_due_ms     BIGINT,
    -- 1: the orders service has said that the order exists and keeps the money.
    order_confirmed  BIGINT NOT NULL,
    created_ms       BIGINT NOT NULL,
    updated_ms       BIGINT NOT NULL,
    version          BIGINT NOT NULL,
    UNIQUE (tenant, order_id)
);
CREATE INDEX payments_by_check ON payments (check_due_ms);

CREATE TABLE refunds (
    id          TEXT PRIMARY KEY,
    tenant      TEXT NOT NULL,
    payment_id  TEXT NOT NULL REFERENCES payments (id),
    -- Who asked: the request's idempotency key, or a name of ours; asking twice is one refund.
    request_key TEXT NOT NULL,
    amount      BIGINT NOT NULL CHECK (amount > 0),
    currency    TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    provider_id TEXT UNIQUE,
    created_ms  BIGINT NOT NULL,
    updated_ms  BIGINT NOT NULL,
    UNIQUE (payment_id, request_key)
);
CREATE INDEX refunds_pending ON refunds (status, created_ms);

-- The provider's events that took effect.
CREATE TABLE provider_events (
    id          TEXT PRIMARY KEY,
    type        TEXT NOT NULL,
    received_ms BIGINT NOT NULL
);
CREATE INDEX provider_events_by_time ON provider_events (received_ms);

CREATE TABLE ledger_transactions (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    payment_id TEXT NOT NULL REFERENCES payments (id),
    -- What is booked: the same thing is never booked twice.
    reference  TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (kind, reference)
);

CREATE TABLE ledger_entries (
    id             TEXT PRIMARY KEY,
    tenant         TEXT NOT NULL,
    transaction_id TEXT NOT NULL REFERENCES ledger_transactions (id),
    account        TEXT NOT NULL CHECK (account IN ('provider_receivable', 'sales', 'refunds')),
    direction      TEXT NOT NULL CHECK (direction IN ('debit', 'credit')),
    amount         BIGINT NOT NULL CHECK (amount > 0),
    currency       TEXT NOT NULL,
    created_ms     BIGINT NOT NULL
);
CREATE INDEX ledger_entries_by_tenant ON ledger_entries (tenant, id);
CREATE INDEX ledger_entries_by_transaction ON ledger_entries (transaction_id);

-- What does not fit together, found by the reconciliation or an event, and what was done about it.
CREATE TABLE reconciliation_findings (
    id         TEXT PRIMARY KEY,
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    reference  TEXT NOT NULL,
    action     TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (kind, reference)
);
CREATE INDEX reconciliation_findings_by_tenant ON reconciliation_findings (tenant, id);

-- How far the reconciliation has read the provider's list.
CREATE TABLE reconciliation_marks (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
