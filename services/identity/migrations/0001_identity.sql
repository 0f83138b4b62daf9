-- Who people are: accounts, their sessions, one-time codes, the keys that sign tokens, the tokens that are blocked.

CREATE TABLE tenant (
    id text PRIMARY KEY,
    host text NOT NULL,
    created_at_ms bigint NOT NULL
);
CREATE UNIQUE INDEX tenant_by_host ON tenant (host) WHERE host <> '';

-- roles is a set of bits (enum role); email is in lower case. credential is the idp port's.
CREATE TABLE account (
    tenant text NOT NULL,
    id text NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    credential text NOT NULL,
    roles bigint NOT NULL,
    email_verified bigint NOT NULL CHECK (email_verified IN (0, 1)),
    version bigint NOT NULL CHECK (version > 0),
    created_at_ms bigint NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, email)
);
CREATE INDEX account_unverified ON account (created_at_ms) WHERE email_verified = 0;

-- A session is a family of refresh tokens; when it ends, its row goes.
CREATE TABLE session (
    tenant text NOT NULL,
    id text NOT NULL,
    user_id text NOT NULL,
    created_at_ms bigint NOT NULL,
    last_used_at_ms bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES account (tenant, id) ON DELETE CASCADE
);
CREATE INDEX session_by_user ON session (tenant, user_id, id);
CREATE INDEX session_by_expiry ON session (expires_at_ms);

-- hash is the token's SHA-256. Used ones stay as long as their session, so that their use by a thief is noticed.
CREATE TABLE refresh_token (
    hash bytea PRIMARY KEY,
    tenant text NOT NULL,
    session_id text NOT NULL,
    used_at_ms bigint NOT NULL,
    FOREIGN KEY (tenant, session_id) REFERENCES session (tenant, id) ON DELETE CASCADE
);
CREATE INDEX refresh_token_by_session ON refresh_token (tenant, session_id);

-- hash is a HMAC under a key of the shop's. A code to verify an address carries the name and the credential that were
-- given with it, so that each of two sign-ups with one address verifies its own password and nobody else's.
CREATE TABLE one_time_code (
    tenant text NOT NULL,
    id text NOT NULL,
    user_id text NOT NULL,
    purpose text NOT NULL,
    hash bytea NOT NULL,
    credential text NOT NULL,
    name text NOT NULL,
    attempts bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES account (tenant, id) ON DELETE CASCADE
);
CREATE INDEX one_time_code_by_user ON one_time_code (tenant, user_id, purpose, id);
CREATE INDEX one_time_code_by_expiry ON one_time_code (expires_at_ms);

-- The newest key whose time has come signs; the ones before it verify until their tokens are gone.
CREATE TABLE signing_key (
    kid text PRIMARY KEY,
    private_pem text NOT NULL,
    signs_from_ms bigint NOT NULL
);

-- kind: session (all its tokens) or user (those issued until issued_until_s).
CREATE TABLE token_block (
    kind text NOT NULL,
    id text NOT NULL,
    issued_until_s bigint NOT NULL,
    until_ms bigint NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX token_block_by_end ON token_block (until_ms);

-- There is always one.
INSERT INTO tenant (id, host, created_at_ms) VALUES ('default', '', 0);
