-- name: find_account
SELECT id, email, name, credential, roles, email_verified, version, created_at_ms, disabled
FROM account WHERE tenant = $1 AND id = $2;

-- name: find_account_by_email
SELECT id, email, name, credential, roles, email_verified, version, created_at_ms, disabled
FROM account WHERE tenant = $1 AND email = $2;

-- name: insert_account
INSERT INTO account (tenant, id, email, name, credential, roles, email_verified, version, created_at_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8);

-- name: set_credential
UPDATE account SET credential = $3, version = version + 1 WHERE tenant = $1 AND id = $2;

-- name: change_credential
-- Not when another one was set since the old one was checked, nor by a session that ended meanwhile.
UPDATE account SET credential = $4, version = version + 1
WHERE tenant = $1 AND id = $2 AND credential = $3
    AND EXISTS (SELECT 1 FROM session WHERE tenant = $1 AND user_id = $2 AND id = $5);

-- name: renew_credential
-- The same password under today's parameters; not when it was changed meanwhile.
UPDATE account SET credential = $4 WHERE tenant = $1 AND id = $2 AND credential = $3;

-- name: verify_account
UPDATE account SET credential = $3, name = $4, email_verified = 1, version = version + 1 WHERE tenant = $1 AND id = $2;

-- name: reset_credential
-- Who had the code has the mailbox, so the address is verified too.
UPDATE account SET credential = $3, email_verified = 1, version = version + 1 WHERE tenant = $1 AND id = $2;

-- name: set_name
UPDATE account SET name = $3, version = version + 1 WHERE tenant = $1 AND id = $2;

-- name: set_roles
UPDATE account SET roles = $3, version = version + 1 WHERE tenant = $1 AND id = $2;

-- name: set_disabled
UPDATE account SET disabled = $3, version = version + 1 WHERE tenant = $1 AND id = $2;

-- name: count_administrators
-- Those that can sign in. More than the customer's role, as the index account_staff has it.
SELECT count(*) FROM account
WHERE tenant = $1 AND roles > 1 AND email_verified = 1 AND disabled = 0 AND (roles & $2) <> 0;

-- name: sweep_unverified_accounts
DELETE FROM account WHERE email_verified = 0 AND (tenant, id) IN (
    SELECT tenant, id FROM account WHERE email_verified = 0 AND created_at_ms < $1 ORDER BY created_at_ms LIMIT $2);
