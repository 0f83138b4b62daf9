/* Signing in, staying signed in, signing out.
 *
 * A refresh token is good once. Its second use means that two parties hold it, one of them a thief, and nobody can tell
 * which: the whole session ends. There is no grace for a program whose answer was lost on the way; a grace would be one
 * for the thief too, and the price of being strict is one sign-in.
 *
 * A browser cannot keep to that. Its tabs do not know of each other, two of them load at once, and a page that somebody
 * leaves before it came takes its cookies with it. So for the shell a token that was used a moment ago leads to the one
 * that followed it, the very same: no second line of tokens comes of it, and a thief who was that quick meets the owner
 * at the next use, when one of them is second and late. */
#include "services/identity/identity.h"

struct login {
    struct call *call;
    struct str email;
    struct account account;
    bool found;
    struct str checked;        /* the credential that the password was held against */
    bool is_outdated;          /* the account has another one by now */
    struct str new_credential; /* empty unless the stored one is outdated */
    struct str session_id, refresh_token;
    int64_t issued_ms; /* one time for the token and the row that can end it, whatever the clock does between */
};

static int read_account(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct login *login = argument;
    int found = identity_find_account_by_email(login->call, login->email, &login->account);
    login->found = found > 0;
    return found < 0 ? found : 0;
}

/* Looks again: while the password was hashed, another one may have been set, roles been taken away, or the account been
 * disabled. */
static int record_login(struct sql_tx *tx, void *argument)
{
    struct login *login = argument;
    struct call *call = login->call;
    TRY(read_account(tx, login));
    login->is_outdated = !login->found || !str_equal(login->account.credential, login->checked);
    if (login->is_outdated || login->account.is_disabled)
        return 0;
    if (login->new_credential.len > 0)
        TRY(sql_exec(tx, &identity_sql_renew_credential,
                     SQL_ARGS(sql_text(call->tenant), sql_text(login->account.id), sql_text(login->account.credential),
                              sql_text(login->new_credential)),
                     NULL));
    login->issued_ms = clock_latest_ms();
    return identity_open_session(call, &login->account, login->issued_ms, &login->session_id, &login->refresh_token);
}

static int fail_credentials(struct call *call)
{
    return call_fail(call, ERR_UNAUTHENTICATED, "invalid_credentials", NULL,
                     "The e-mail address or the password is wrong.");
}

/* Checks the password, also where there is no account, for the same time. */
static int check_password(struct login *login, struct str password)
{
    struct call *call = login->call;
    struct idp *idp = identity_of(call)->idp;
    bool matches = false;
    struct str credential = login->found ? login->account.credential : STR_EMPTY;
    int64_t deadline_ns = identity_hash_deadline_ns(call);
    int result = idp_check(idp, login->email, credential, password, deadline_ns, &matches);
    if (result < 0)
        return identity_hash_failed(call, result);
    if (!matches)
        return fail_credentials(call);
    if (!login->account.email_verified)
        return call_fail(
            call, ERR_FORBIDDEN, "email_not_verified", NULL,
            "Confirm your e-mail address first: a mail with a code was sent to it. Sign up again for another.");
    if (idp_is_outdated(idp, credential))
        (void)idp_enrol(idp, call->arena, login->email, password, deadline_ns, &login->new_credential);
    return 0;
}

int login(struct call *call, const Identity__LoginRequest *in, Identity__Tokens *out)
{
    struct login login = {.call = call, .email = identity_normal_email(call, in->email)};
    if (!login.email.ptr)
        return ERR_NO_MEMORY;
    TRY(identity_limit_account(call, "login", login.email));
    TRY(call_read(call, read_account, &login));
    TRY(check_password(&login, str_from_cstr(in->password)));
    login.checked = login.account.credential;
    TRY(call_write(call, record_login, &login));
    if (login.is_outdated)
        return fail_credentials(call);
    if (login.account.is_disabled)
        return call_fail(call, ERR_FORBIDDEN, "account_disabled", NULL,
                         "This account is disabled. Ask the shop, if you think that it should not be.");
    return identity_fill_tokens(call, &login.account, login.issued_ms, login.session_id, login.refresh_token, out);
}

/* -- Refresh ------------------------------------------------------------------------------------------------------ */

#define REFRESH_GRACE_MS INT64_C(10000)
#define REFRESH_STEPS_MAX 8 /* tokens that followed each other within the grace */

enum refresh_outcome { REFRESH_UNKNOWN, REFRESH_REUSED, REFRESH_DONE };

struct refresh {
    struct call *call;
    struct str token; /* what the client has */
    bool has_grace;
    enum refresh_outcome outcome;
    struct account account;
    struct str session_id, refresh_token;
    int64_t issued_ms;
};

struct found_token {
    struct str session_id, user_id;
    int64_t used_at_ms, expires_at_ms, created_at_ms;
};

static int find_token(struct call *call, struct str token, struct found_token *ret_token)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    unsigned char hash[IDENTITY_HASH_BYTES];
    identity_hash_refresh_token(token, hash);
    int found = sql_query_row(call->tx, &identity_sql_find_refresh_token,
                              SQL_ARGS(sql_blob(str_from(hash, sizeof(hash))), sql_text(call->tenant)), &rows);
    if (found <= 0)
        return found;
    *ret_token = (struct found_token){
        .session_id = arena_copy(call->arena, sql_get_text(rows, 0)),
        .used_at_ms = sql_get_int(rows, 1),
        .user_id = arena_copy(call->arena, sql_get_text(rows, 2)),
        .expires_at_ms = sql_get_int(rows, 3),
        .created_at_ms = sql_get_int(rows, 4),
    };
    return ret_token->session_id.ptr && ret_token->user_id.ptr ? 1 : ERR_NO_MEMORY;
}

/* The session goes on: by a new token, or by the one that followed a moment ago. */
static int prolong(struct refresh *refresh, const struct found_token *token)
{
    struct call *call = refresh->call;
    int64_t now_ms = clock_latest_ms();
    int64_t expires_at_ms = now_ms + SESSION_LIFETIME_MS;
    if (expires_at_ms > token->created_at_ms + SESSION_LIFETIME_MAX_MS)
        expires_at_ms = token->created_at_ms + SESSION_LIFETIME_MAX_MS;
    TRY(sql_exec(call->tx, &identity_sql_touch_session,
                 SQL_ARGS(sql_text(call->tenant), sql_text(token->session_id), sql_int(now_ms), sql_int(expires_at_ms),
                          sql_int(identity_tokens_until_ms(now_ms))),
                 NULL));
    refresh->issued_ms = now_ms;
    refresh->session_id = token->session_id;
    refresh->outcome = REFRESH_DONE;
    return 0;
}

static int rotate(struct refresh *refresh, const struct found_token *token)
{
    struct call *call = refresh->call;
    unsigned char hash[IDENTITY_HASH_BYTES];
    int64_t used = 0;
    identity_hash_refresh_token(refresh->token, hash);
    TRY(sql_exec(call->tx, &identity_sql_use_refresh_token,
                 SQL_ARGS(sql_blob(str_from(hash, sizeof(hash))), sql_int(clock_steady_ms())), &used));
    if (used != 1)
        return ERR_CONFLICT;
    TRY(identity_next_refresh_token(call, refresh->token, &refresh->refresh_token));
    TRY(identity_store_refresh_token(call, token->session_id, refresh->refresh_token));
    return prolong(refresh, token);
}

/* From a token that was used within the grace to the last one that followed it: 1 and that one in refresh_token; 0 when
 * it was used before that, or its successor is not the shop's. */
static int find_successor(struct refresh *refresh, const struct found_token *used)
{
    struct call *call = refresh->call;
    struct found_token token = *used;
    refresh->refresh_token = refresh->token;
    for (int step = 0; token.used_at_ms > 0; step++) {
        int64_t age_ms = clock_steady_ms() - token.used_at_ms;
        if (!refresh->has_grace || step == REFRESH_STEPS_MAX || age_ms < 0 || age_ms > REFRESH_GRACE_MS)
            return 0;
        TRY(identity_next_refresh_token(call, refresh->refresh_token, &refresh->refresh_token));
        int found = find_token(call, refresh->refresh_token, &token);
        if (found <= 0)
            return found;
    }
    return 1;
}

static int record_refresh(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct refresh *refresh = argument;
    struct call *call = refresh->call;
    struct found_token token;
    refresh->outcome = REFRESH_UNKNOWN;
    int found = find_token(call, refresh->token, &token);
    if (found <= 0)
        return found;
    int is_live = find_successor(refresh, &token);
    TRY(is_live);
    if (!is_live) {
        refresh->outcome = REFRESH_REUSED; /* Committed, so it is no error of the closure. */
        int ended = identity_end_session(call, token.user_id, token.session_id);
        return ended < 0 ? ended : 0;
    }
    if (token.expires_at_ms <= clock_latest_ms())
        return 0;
    found = identity_find_account(call, token.user_id, &refresh->account);
    if (found <= 0 || refresh->account.is_disabled)
        return found < 0 ? found : 0;
    return token.used_at_ms > 0 ? prolong(refresh, &token) : rotate(refresh, &token);
}

static int refresh_tokens(struct call *call, const Identity__RefreshRequest *in, bool has_grace, Identity__Tokens *out)
{
    struct refresh refresh = {.call = call, .token = str_from_cstr(in->refresh_token), .has_grace = has_grace};
    TRY(call_write(call, record_refresh, &refresh));
    if (refresh.outcome == REFRESH_REUSED) {
        log_warning(&call->log, "refresh token used twice; its session was ended");
        return call_fail(call, ERR_UNAUTHENTICATED, "refresh_token_reused", NULL,
                         "This refresh token was used before. The session was ended for safety: sign in again.");
    }
    if (refresh.outcome == REFRESH_UNKNOWN)
        return call_fail(call, ERR_UNAUTHENTICATED, "invalid_refresh_token", NULL,
                         "This refresh token is not known, or its session has ended: sign in again.");
    return identity_fill_tokens(call, &refresh.account, refresh.issued_ms, refresh.session_id, refresh.refresh_token,
                                out);
}

int refresh(struct call *call, const Identity__RefreshRequest *in, Identity__Tokens *out)
{
    return refresh_tokens(call, in, false, out);
}

int renew_session(struct call *call, const Identity__RefreshRequest *in, Identity__Tokens *out)
{
    return refresh_tokens(call, in, true, out);
}

/* -- Logout ------------------------------------------------------------------------------------------------------- */

struct logout {
    struct call *call;
    struct str refresh_token; /* empty without */
};

static int record_logout(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct logout *logout = argument;
    struct call *call = logout->call;
    struct found_token token;
    if (call->who.session_id.len > 0) {
        int ended = identity_end_session(call, call->who.user_id, call->who.session_id);
        TRY(ended);
    }
    int found = logout->refresh_token.len > 0 ? find_token(call, logout->refresh_token, &token) : 0;
    if (found <= 0)
        return found;
    int ended = identity_end_session(call, token.user_id, token.session_id);
    return ended < 0 ? ended : 0;
}

/* Says yes also where the session has ended already: who signs out wants to be out. */
int logout(struct call *call, const Identity__LogoutRequest *in, Common__Empty *out)
{
    (void)out;
    struct logout logout = {.call = call, .refresh_token = str_from_cstr(in->refresh_token)};
    if (logout.refresh_token.len == 0 && call->who.session_id.len == 0)
        return call_fail(call, ERR_UNAUTHENTICATED, "sign_in_required", NULL,
                         "Send the access token, or the refresh token, of the session that shall end.");
    return call_write(call, record_logout, &logout);
}
