/* Signing a browser in and out, and keeping it signed in. What identity says of a password or a token is said on as it
 * is. */
#include "services/shell/session.h"

#include "platform/service/browser.h"
#include "shopstream/identity/v1/identity.rpc.h"

#define REFRESH_LIFETIME_S (INT64_C(30) * 24 * 3600) /* as identity keeps a session that nobody uses */
#define REFRESH_TOKEN_MAX 512                        /* a longer one is none of identity's */

/* -- Cookies ------------------------------------------------------------------------------------------------------- */

static int set_tokens(struct call *call, const Identity__Tokens *tokens)
{
    TRY(browser_set_cookie(call, COOKIE_SESSION, str_from_cstr(tokens->access_token), tokens->expires_in));
    return browser_set_cookie(call, COOKIE_REFRESH, str_from_cstr(tokens->refresh_token), REFRESH_LIFETIME_S);
}

static int forget_tokens(struct call *call)
{
    TRY(browser_clear_cookie(call, COOKIE_SESSION));
    return browser_clear_cookie(call, COOKIE_REFRESH);
}

static struct str refresh_cookie(const struct call *call)
{
    struct str token = browser_cookie(call, COOKIE_REFRESH);

    return token.len <= REFRESH_TOKEN_MAX ? token : STR_EMPTY;
}

/* -- By identity --------------------------------------------------------------------------------------------------- */

/* ERR_UNAUTHENTICATED, and the browser forgets its tokens, when the session has ended. */
static int renew(struct call *call, Identity__Tokens *ret_tokens)
{
    Identity__RefreshRequest request = IDENTITY__REFRESH_REQUEST__INIT;

    identity__tokens__init(ret_tokens);
    request.refresh_token = arena_cstr(call->arena, refresh_cookie(call));
    if (!request.refresh_token)
        return ERR_NO_MEMORY;
    int result = identity_renew_session(call, &request, ret_tokens);
    if (result == ERR_UNAUTHENTICATED)
        TRY(forget_tokens(call));
    return result == 0 ? set_tokens(call, ret_tokens) : result;
}

/* Ends the session that the browser has, if it has one. */
static int end_session(struct call *call)
{
    Identity__LogoutRequest request = IDENTITY__LOGOUT_REQUEST__INIT;
    Common__Empty reply = COMMON__EMPTY__INIT;
    struct str token = refresh_cookie(call);

    if (token.len == 0 && call->who.session_id.len == 0)
        return 0;
    request.refresh_token = arena_cstr(call->arena, token);
    if (!request.refresh_token)
        return ERR_NO_MEMORY;
    call->on_behalf = true;
    int result = identity_logout(call, &request, &reply);
    call->on_behalf = false;
    return result;
}

/* -- Handlers ------------------------------------------------------------------------------------------------------ */

/* What somebody else knew before is worth nothing afterwards: the session that was there ends, and the CSRF token is a
 * new one. A guest's cart is merged by the next call for the cart, which has both cookies. */
int create_session(struct call *call, const Identity__LoginRequest *in, Common__Empty *out)
{
    Identity__Tokens tokens = IDENTITY__TOKENS__INIT;

    (void)out;
    TRY(identity_login(call, in, &tokens));
    TRY(end_session(call));
    TRY(set_tokens(call, &tokens));
    return browser_set_csrf(call, true);
}

int refresh_session(struct call *call, const Pages__RefreshSessionRequest *in, Common__Empty *out)
{
    Identity__Tokens tokens;

    (void)in, (void)out;
    if (refresh_cookie(call).len > 0)
        return renew(call, &tokens);
    TRY(forget_tokens(call));
    return call_fail(call, ERR_UNAUTHENTICATED, "sign_in_required", NULL, "Nobody is signed in here: sign in.");
}

/* Says yes also where nobody is signed in. The next one at this machine finds no guest's orders either. */
int delete_session(struct call *call, const Pages__DeleteSessionRequest *in, Common__Empty *out)
{
    (void)in, (void)out;
    TRY(end_session(call));
    TRY(forget_tokens(call));
    TRY(browser_clear_cookie(call, COOKIE_GUEST));
    return browser_set_csrf(call, true);
}

/* -- For pages ----------------------------------------------------------------------------------------------------- */

int session_visitor(struct call *call)
{
    Identity__Tokens tokens;
    const char *reason;

    if (call->who.user_id.len > 0 || refresh_cookie(call).len == 0)
        return 0;
    int result = renew(call, &tokens);
    if (result == 0)
        result = call_identify(call, str_from_cstr(tokens.access_token), &reason);
    if (result != ERR_UNAUTHENTICATED)
        return result;
    call->problem = (struct problem){0};
    return 0;
}
