/* Who asks, whether they may, and how often. */
#include "platform/ports/cache/cache.h"
#include "platform/ports/clock/clock.h"
#include "platform/service/browser.h"
#include "platform/service/host.h"
#include "platform/service/rate.h"
#include "platform/service/request_parts.h"
#include "platform/service/token.h"

#define BEARER_PREFIX_LEN 7
/* Nobody guesses 128 bits; what is shorter was not given out by the shop. */
#define GUEST_TOKEN_MIN 32
#define GUEST_TOKEN_MAX 128

static bool is_guest_token(struct str token)
{
    return token.len >= GUEST_TOKEN_MIN && token.len <= GUEST_TOKEN_MAX;
}

/* One that the shop did not give out is none: nobody can take it back from their browser. */
static void take_guest_cookie(struct call *call)
{
    struct str token = browser_cookie(call, COOKIE_GUEST);

    if (!is_guest_token(token))
        return;
    call->who.guest_token = token;
    call->who.is_guest_by_cookie = true;
}

static int refuse_token(struct call *call, const char *reason)
{
    call_set_header(call, "WWW-Authenticate", STR("Bearer error=\"invalid_token\""));
    return problem_set(&call->problem, ERR_UNAUTHENTICATED, reason, NULL,
                       "The access token is not valid, or its time is up. Sign in again, or refresh it.");
}

int call_identify(struct call *call, struct str access_token, const char **ret_reason)
{
    struct token_claims *claims = arena_alloc(call->arena, sizeof(*claims));

    if (!claims)
        return ERR_NO_MEMORY;
    TRY(token_verify(call->host->tokens, access_token, clock_latest_ms(), claims, ret_reason));
    if (!str_equal_cstr(call->tenant, claims->tenant))
        return ERR_FORBIDDEN;
    call->who.roles = claims->roles;
    call->who.user_id = str_from_cstr(claims->user_id);
    call->who.session_id = str_from_cstr(claims->session_id);
    call->who.email = str_from_cstr(claims->email);
    return 0;
}

static int authenticate_bearer(struct call *call, struct str header)
{
    const char *reason = "token_invalid";

    if (header.len <= BEARER_PREFIX_LEN || !str_equal_nocase(str_slice(header, 0, BEARER_PREFIX_LEN), STR("Bearer ")))
        return refuse_token(call, reason);
    int result = call_identify(call, str_trim(str_skip(header, BEARER_PREFIX_LEN)), &reason);
    if (result == ERR_UNAUTHENTICATED)
        return refuse_token(call, reason);
    if (result == ERR_FORBIDDEN)
        return problem_set(&call->problem, ERR_FORBIDDEN, "other_tenant", NULL,
                           "The access token belongs to another tenant.");
    return result;
}

/* A session cookie that is not good is nobody's where anybody may come: a shop that can be looked at stays so. On any
 * other row that would be the cart of somebody else, or an order without its customer; so there it is a 401, as it is
 * when only the refresh cookie is left, and the page gets a new one from the shell. A token of another tenant is not
 * good here: whoever has several shops in one browser is somebody else in each. */
static int authenticate_browser(struct request *request)
{
    struct call *call = &request->call;
    const char *reason = "token_invalid";
    struct str token;

    if (!call->who.guest_token.ptr)
        take_guest_cookie(call);
    if (!request_take_session(request, &token))
        return 0;
    int result = ERR_UNAUTHENTICATED;
    if (token.len > 0)
        result = call_identify(call, token, &reason);
    else
        reason = "token_expired";
    if (result != ERR_UNAUTHENTICATED && result != ERR_FORBIDDEN)
        return result;
    return request->match.route->auth == AUTH_ANYONE ? 0 : refuse_token(call, reason);
}

/* Who stands in front of the shop may have looked at the other one of two (RFC 9110, 5.3). */
static int refuse_repeated(struct request *request)
{
    static const char *const single[] = {"authorization", "x-guest-token", "x-tenant", "idempotency-key",
                                         "if-match",      "content-type",  "cookie",   "x-csrf-token"};
    const struct http_request *http = request->http;
    unsigned seen = 0;

    for (size_t i = 0; i < http->header_count; i++) {
        for (unsigned j = 0; j < sizeof(single) / sizeof(single[0]); j++) {
            if (!str_equal_cstr(http->headers[i].name, single[j]))
                continue;
            if (seen & (1u << j))
                return problem_set(&request->call.problem, ERR_INVALID, "repeated_header", NULL,
                                   "The header %s may be sent once.", single[j]);
            seen |= 1u << j;
        }
    }
    return 0;
}

int request_authenticate(struct request *request)
{
    struct call *call = &request->call;

    TRY(refuse_repeated(request));
    struct str guest = http_header_find(request->http, "x-guest-token");
    struct str authorization = http_header_find(request->http, "authorization");

    if (guest.ptr && !is_guest_token(guest))
        return problem_set(&call->problem, ERR_INVALID, "invalid_guest_token", NULL,
                           "X-Guest-Token must be the guest_token that came with the first cart or order.");
    call->who.guest_token = guest;
    call->who.roles = ROLE_GUEST;
    /* The browser sends cookies to each port of a host, and those of a foreign API have nothing to do with them. */
    if (request->instance->service->own_listener)
        return 0;
    if (authorization.ptr)
        TRY(authenticate_bearer(call, authorization));
    if (request->match.route->cached)
        return 0;
    TRY(request_check_browser(request, authorization.ptr != NULL));
    return authorization.ptr ? 0 : authenticate_browser(request);
}

/* The roles that a row's auth lets in; a guest stands for anybody at all. */
static unsigned roles_allowed(enum auth auth)
{
    const unsigned staff = ROLE_SUPPORT | ROLE_MERCHANDISER | ROLE_ADMIN;

    switch (auth) {
    case AUTH_ANYONE:
    case AUTH_SHOPPER:
        return ROLE_GUEST | ROLE_CUSTOMER | staff | ROLE_SERVICE;
    case AUTH_SIGNED_IN:
        return ROLE_CUSTOMER | staff;
    case AUTH_SUPPORT:
        return ROLE_SUPPORT | ROLE_ADMIN | ROLE_SERVICE;
    case AUTH_MERCHANDISER:
        return ROLE_MERCHANDISER | ROLE_ADMIN | ROLE_SERVICE;
    case AUTH_STAFF:
        return staff | ROLE_SERVICE;
    case AUTH_ADMIN:
        return ROLE_ADMIN | ROLE_SERVICE;
    case AUTH_SERVICE:
        return ROLE_SERVICE;
    }
    return 0;
}

int access_check(struct call *call, const struct route *route)
{
    if (call->who.roles & roles_allowed(route->auth))
        return 0;
    if (call->who.roles == ROLE_GUEST) {
        call_set_header(call, "WWW-Authenticate", STR("Bearer"));
        return problem_set(&call->problem, ERR_UNAUTHENTICATED, "sign_in_required", NULL,
                           "Sign in first: this needs an access token.");
    }
    return problem_set(&call->problem, ERR_FORBIDDEN, "role_required", NULL, "Your role does not allow this.");
}

int request_authorise(struct request *request)
{
    return access_check(&request->call, request->match.route);
}

bool request_has_rate(const struct request *request)
{
    return request->host->rate_limits && request->match.route->rate != RATE_NONE &&
           !request->instance->service->own_listener;
}

int request_limit_rate(struct request *request)
{
    struct call *call = &request->call;

    if (!request_has_rate(request))
        return 0;
    return rate_check(call, request->match.route->rate,
                      call->who.user_id.len ? call->who.user_id : call->client_address);
}
