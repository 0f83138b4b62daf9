/* Identity: who people are, and what they may do. */
#include "platform/service/mail_worker.h"
#include "services/identity/config.h"
#include "services/identity/identity.h"
#include "services/identity/migrations/migrations.h"

#define MINUTE_MS 60000

const struct config_row identity_config[] = {
    [IDENTITY_CONFIG_ADMIN_EMAIL] = {"SHOPSTREAM_ADMIN_EMAIL", CONFIG_STRING, IDENTITY_ADMIN_EMAIL, 3,
                                     IDENTITY_EMAIL_MAX,
                                     "The address of the administrator that the first start makes."},
    [IDENTITY_CONFIG_ADMIN_PASSWORD] = {"SHOPSTREAM_ADMIN_PASSWORD", CONFIG_SECRET, NULL, 0, IDP_PASSWORD_BYTES_MAX,
                                        "That administrator's password; without it a random one is printed once."},
    {0},
};

static const struct route routes[] = {
    {"POST", "/v1/signup", RPC(identity, signup), .auth = AUTH_ANYONE, .rate = RATE_SIGN_IN, .tx = TX_NONE,
     .status = 201, .summary = "Sign up; a code is mailed to the address"},
    {"POST", "/v1/verify", RPC(identity, verify), .auth = AUTH_ANYONE, .rate = RATE_SIGN_IN, .tx = TX_NONE,
     .summary = "Confirm the address by the code from the mail"},
    {"POST", "/v1/login", RPC(identity, login), .auth = AUTH_ANYONE, .rate = RATE_SIGN_IN, .tx = TX_NONE,
     .summary = "Sign in by address and password"},
    {"POST", "/v1/refresh", RPC(identity, refresh), .auth = AUTH_ANYONE, .rate = RATE_WRITE, .tx = TX_NONE,
     .summary = "Change a refresh token for new tokens, once"},
    {"POST", "/v1/logout", RPC(identity, logout), .auth = AUTH_ANYONE, .rate = RATE_WRITE, .tx = TX_NONE,
     .idempotent = true, .summary = "End this session; its access tokens are refused at once"},
    {"POST", "/v1/password/forgot", RPC(identity, forgot_password), .auth = AUTH_ANYONE, .rate = RATE_SIGN_IN,
     .tx = TX_NONE, .summary = "Mail a code for a new password"},
    {"POST", "/v1/password/reset", RPC(identity, reset_password), .auth = AUTH_ANYONE, .rate = RATE_SIGN_IN,
     .tx = TX_NONE, .summary = "Set a new password by the code from the mail; every session ends"},
    {"POST", "/v1/password/change", RPC(identity, change_password), .auth = AUTH_SIGNED_IN, .rate = RATE_SIGN_IN,
     .tx = TX_NONE, .summary = "Change the password; every other session ends"},
    {"GET", "/v1/me", RPC(identity, get_me), .auth = AUTH_SIGNED_IN, .summary = "Who am I"},
    {"PATCH", "/v1/me", RPC(identity, update_me), .auth = AUTH_SIGNED_IN, .rate = RATE_WRITE, .idempotent = true,
     .if_match = IF_MATCH_TAKEN, .summary = "Change my name"},
    {"GET", "/v1/sessions", RPC(identity, list_sessions), .auth = AUTH_SIGNED_IN, .summary = "Where am I signed in"},
    {"DELETE", "/v1/sessions", RPC(identity, revoke_sessions), .auth = AUTH_SIGNED_IN, .rate = RATE_WRITE,
     .idempotent = true, .summary = "Sign out everywhere"},
    {"DELETE", "/v1/sessions/{id}", RPC(identity, revoke_session), .auth = AUTH_SIGNED_IN, .rate = RATE_WRITE,
     .idempotent = true, .summary = "Sign out somewhere"},
    {"GET", "/v1/users/{id}", RPC(identity, get_user), .auth = AUTH_SUPPORT, .summary = "Who somebody is"},
    {"PUT", "/v1/users/{id}/roles", RPC(identity, put_user_roles), .auth = AUTH_ADMIN, .rate = RATE_WRITE,
     .idempotent = true, .if_match = IF_MATCH_TAKEN, .summary = "Say what somebody may do"},
    {"PUT", "/v1/users/{id}/status", RPC(identity, put_user_status), .auth = AUTH_ADMIN, .rate = RATE_WRITE,
     .idempotent = true, .if_match = IF_MATCH_TAKEN,
     .summary = "Disable an account, which ends its sessions, or enable it again"},
    {"DELETE", "/v1/users/{id}/sessions", RPC(identity, revoke_user_sessions), .auth = AUTH_ADMIN, .rate = RATE_WRITE,
     .idempotent = true, .summary = "Sign somebody out everywhere"},
    {"GET", "/.well-known/jwks.json", RAW(publish_keys), .auth = AUTH_ANYONE, .inline_ok = true,
     .summary = "The public keys that verify access tokens (RFC 7517)"},

    {RPC(identity, renew_session), .auth = AUTH_SERVICE, .tx = TX_NONE, .internal = true},
    {RPC(identity, grant_role), .auth = AUTH_SERVICE, .tx = TX_WRITE, .internal = true},
    {RPC(identity, set_account_status), .auth = AUTH_SERVICE, .tx = TX_WRITE, .internal = true},
    {RPC(identity, add_tenant), .auth = AUTH_SERVICE, .tx = TX_WRITE, .internal = true},
    {RPC(identity, list_tenants), .auth = AUTH_SERVICE, .tx = TX_READ, .internal = true},
    {RPC(identity, list_keys), .auth = AUTH_SERVICE, .tx = TX_READ, .internal = true},
    {RPC(identity, rotate_keys), .auth = AUTH_SERVICE, .tx = TX_NONE, .internal = true},
    {RPC(identity, take_first_administrator), .auth = AUTH_SERVICE, .tx = TX_NONE, .internal = true},
    {0},
};

static const struct job jobs[] = {
    {"refresh_keys", 10 * MINUTE_MS, identity_refresh_keys},
    {"sweep", 10 * MINUTE_MS, identity_sweep},
    {0},
};

static const struct worker workers[] = {MAIL_WORKER, {0}};

static const struct personal_data personal_data[] = {
    {"account", "email, name, credential", "id"},
    {"session", "address, user_agent", "user_id"},
    {"one_time_code", "name, credential", "user_id"},
    {0},
};

const struct service identity_service = {
    .name = "identity",
    .port = 3001,
    .help = "who people are: sign-up, sign-in, sessions, roles, tenants",
    .routes = routes,
    .jobs = jobs,
    .workers = workers,
    .migrations = identity_migrations,
    .migration_count = &identity_migration_count,
    .config = identity_config,
    .check = identity_check_config,
    .personal_data = personal_data,
    .start = identity_start,
    .stop = identity_stop,
};
