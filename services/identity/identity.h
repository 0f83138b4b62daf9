/* What the files of the identity service share. No other service includes it: it calls identity's RPCs. */
#pragma once

#include "platform/base/secret.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/idp/idp.h"
#include "platform/service/call.h"
#include "platform/service/host.h"
#include "platform/service/rate.h"
#include "platform/service/token.h"
#include "shopstream/identity/v1/identity.rpc.h"

#include "services/identity/sql/account.sql.h"
#include "services/identity/sql/code.sql.h"
#include "services/identity/sql/session.sql.h"
#include "services/identity/sql/shop.sql.h"

#define IDENTITY_EMAIL_MAX 254
#define IDENTITY_KEY_BYTES 32
#define IDENTITY_HASH_BYTES 32
#define IDENTITY_HASHING_MS 10000 /* how long a request waits for its turn to hash a password */

/* The service's state: made by identity_start, read-only afterwards but for the first administrator. */
struct identity {
    struct idp *idp;
    unsigned char code_key[IDENTITY_KEY_BYTES];    /* of one-time codes */
    unsigned char refresh_key[IDENTITY_KEY_BYTES]; /* of refresh tokens that follow another one */
    struct task_mutex mutex;
    char first_email[IDENTITY_EMAIL_MAX + 1];
    struct secret *first_password; /* until it was taken */
};

static inline struct identity *identity_of(const struct call *call)
{
    return call->state;
}

int identity_start(struct call *call, void **ret_state);
void identity_stop(void *state);

/* -- account.c ---------------------------------------------------------------------------------------------------- */

struct account {
    struct str id, email, name, credential;
    unsigned roles;
    bool email_verified, is_disabled;
    int64_t version, created_at_ms;
};

/* The address in lower case, in the call's arena; an empty str when there is no room. */
struct str identity_normal_email(struct call *call, const char *email);

/* In the running transaction (call->tx): 1 and the account, its strings in the call's arena; 0 without one; or an
 * error. */
int identity_find_account(struct call *call, struct str id, struct account *ret_account);
int identity_find_account_by_email(struct call *call, struct str email, struct account *ret_account);

/* The same for whom somebody names: 0, or the problem that nobody is. */
int identity_need_account(struct call *call, const char *id, struct account *ret_account);
int identity_need_account_by_email(struct call *call, const char *email, struct account *ret_account);

int identity_fill_user(struct call *call, const struct account *account, Identity__User *user);

/* The deadline for hashing, and the problem for a hash that found no turn. */
int64_t identity_hash_deadline_ns(const struct call *call);
int identity_hash_failed(struct call *call, int error);

/* Why a password is guessed first, as a sentence with a code, or NULL; email and name may be empty. */
const char *identity_password_weakness(struct str password, struct str email, struct str name, const char **ret_code);

/* Refuses such a new password; name may be empty. pointer: the field it came in. */
int identity_check_password(struct call *call, struct str password, struct str email, struct str name,
                            const char *pointer);

/* Counts a try of an account (an address or an id) at something, whether it exists or not. */
int identity_limit_account(struct call *call, const char *what, struct str subject);

/* -- code.c ------------------------------------------------------------------------------------------------------- */

enum code_purpose { CODE_VERIFY, CODE_RESET };

#define CODE_DIGITS 6
#define CODE_ATTEMPTS_MAX 5
#define CODE_LIVE_MAX 3
#define CODE_LIFETIME_MS (INT64_C(10) * 60 * 1000)

/* In the running write transaction: makes a code for the account and mails it. For CODE_VERIFY it carries the name and
 * the credential that it will confirm. */
int identity_send_code(struct call *call, const struct account *account, enum code_purpose purpose, struct str name,
                       struct str credential);

/* In the running write transaction: 1 when the code is one of the account's live ones; all of that purpose are gone
 * then. 0, and one attempt less for each, when it is not. ret_confirmed (may be NULL) gets the name and the credential.
 */
int identity_use_code(struct call *call, const struct account *account, enum code_purpose purpose, const char *code,
                      struct account *ret_confirmed);

/* A write as costly as identity_send_code's, for an address that nobody has. */
int identity_send_nothing(struct call *call);

int identity_fail_code(struct call *call);

/* -- session.c ---------------------------------------------------------------------------------------------------- */

#define SESSION_LIFETIME_MS (INT64_C(30) * 24 * 3600 * 1000)      /* since its last use */
#define SESSION_LIFETIME_MAX_MS (INT64_C(180) * 24 * 3600 * 1000) /* in all */
#define SESSIONS_OF_USER_MAX 50                                   /* the oldest goes */

/* In the running write transaction: a new session with its first refresh token, or the token that follows another one.
 * They lie in the call's arena and are stored nowhere. What follows is made from the one before and a key of the
 * shop's, so that it can be told again to who has that one, and to nobody else. */
int identity_open_session(struct call *call, const struct account *account, int64_t now_ms, struct str *ret_session_id,
                          struct str *ret_refresh_token);
int identity_next_refresh_token(struct call *call, struct str token, struct str *ret_next);
int identity_store_refresh_token(struct call *call, struct str session_id, struct str token);
void identity_hash_refresh_token(struct str token, unsigned char ret_hash[IDENTITY_HASH_BYTES]);

/* In the running write transaction: ends a session of a user. Its refresh tokens are gone, its access tokens are
 * refused as soon as the transaction is on disk. 1 when there was one, 0 when not. */
int identity_end_session(struct call *call, struct str user_id, struct str session_id);
/* Ends all sessions of a user but one (empty: all). */
int identity_end_sessions(struct call *call, struct str user_id, struct str kept_session_id);

/* In the running write transaction: refuses the access tokens that a user has, and those of a sign-in or a refresh that
 * read the account before and has yet to sign. Their sessions go on, each under a new id, when they are refreshed. No
 * time is compared: what was read before is of an old id, what is read after is of a new one. */
int identity_refuse_access_tokens(struct call *call, struct str user_id);

/* Signs an access token and fills the reply. */
int identity_fill_tokens(struct call *call, const struct account *account, int64_t issued_ms, struct str session_id,
                         struct str refresh_token, Identity__Tokens *tokens);

/* Until when an access token that was issued then must be blocked, should its session end. */
int64_t identity_tokens_until_ms(int64_t issued_ms);

/* -- role.c ------------------------------------------------------------------------------------------------------- */

/* In the running write transaction: refuses what would leave the tenant without an administrator who can sign in, were
 * the account none any more. pointer: the field that asks for it. */
int identity_check_last_administrator(struct call *call, const struct account *account, const char *pointer);

/* -- key.c -------------------------------------------------------------------------------------------------------- */

/* Brings the ring in line with the table: all keys verify, the right one signs, those that are done are gone. Makes the
 * first key, and a new one when the newest is KEY_ROTATION_MS old. Not within a transaction. */
int identity_refresh_keys(struct call *call);

/* -- first_administrator.c ---------------------------------------------------------------------------------------- */

/* Makes the shop's first administrator where there is none. */
int identity_make_first_administrator(struct call *call, struct identity *identity);

/* -- The handlers, as service.c names them ------------------------------------------------------------------------ */

identity_signup_fn signup;
identity_verify_fn verify;
identity_login_fn login;
identity_refresh_fn refresh;
identity_renew_session_fn renew_session;
identity_logout_fn logout;
identity_forgot_password_fn forgot_password;
identity_reset_password_fn reset_password;
identity_change_password_fn change_password;
identity_get_me_fn get_me;
identity_update_me_fn update_me;
identity_get_user_fn get_user;
identity_put_user_roles_fn put_user_roles;
identity_put_user_status_fn put_user_status;
identity_list_sessions_fn list_sessions;
identity_revoke_session_fn revoke_session;
identity_revoke_sessions_fn revoke_sessions;
identity_revoke_user_sessions_fn revoke_user_sessions;
identity_grant_role_fn grant_role;
identity_set_account_status_fn set_account_status;
identity_add_tenant_fn add_tenant;
identity_list_tenants_fn list_tenants;
identity_take_first_administrator_fn take_first_administrator;
identity_list_keys_fn list_keys;
identity_rotate_keys_fn rotate_keys;
raw_handler publish_keys;
int identity_sweep(struct call *call);
