/* Who a browser's request is from, by its cookies; whether a page of the shop sent it; and the cookies that are set. */
#include "platform/service/browser.h"

#include "platform/base/encode.h"
#include "platform/ports/random/random.h"
#include "platform/service/request_parts.h"
#include "platform/wire/wire.h"

#define CSRF_TOKEN_BYTES 32
#define PORT_DIGITS_MAX 5

/* -- What came ----------------------------------------------------------------------------------------------------- */

static size_t find_cookie(const struct http_request *http, const char *name, struct str *ret_value)
{
    return http_cookie_find(http_header_find(http, "cookie"), str_from_cstr(name), ret_value);
}

struct str browser_cookie(const struct call *call, const char *name)
{
    struct str value;

    return call->http && find_cookie(call->http, name, &value) == 1 ? value : STR_EMPTY;
}

/* Also one that says nothing: whoever sends it must be a page of the shop. */
static bool has_identity(const struct http_request *http)
{
    static const char *const names[] = {COOKIE_SESSION, COOKIE_REFRESH, COOKIE_GUEST};
    struct str value;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (find_cookie(http, names[i], &value) > 0)
            return true;
    }
    return false;
}

/* -- Whether a page of the shop sent it ---------------------------------------------------------------------------- */

/* "https://shop.example:8443": the request's own host behind the scheme, whatever the port. */
static bool is_own_origin(const struct http_request *http, struct str origin)
{
    ptrdiff_t scheme_end = str_find(origin, STR("://"));
    struct str authority = scheme_end < 0 ? STR_EMPTY : str_skip(origin, (size_t)scheme_end + 3);
    struct str rest = str_skip(authority, http->host.len);

    if (http->host.len == 0 || !str_equal_nocase(str_slice(authority, 0, http->host.len), http->host))
        return false;
    return rest.len == 0 || (rest.ptr[0] == ':' && rest.len <= 1 + PORT_DIGITS_MAX);
}

/* What the browser itself says of where the request comes from, which no page can change: Sec-Fetch-Site
 * (https://www.w3.org/TR/fetch-metadata/), or Origin (RFC 6454) where it does not know that. Who says neither is held
 * to the token alone. */
static bool is_from_elsewhere(const struct http_request *http)
{
    struct str site = http_header_find(http, "sec-fetch-site");
    struct str origin = http_header_find(http, "origin");

    if (site.ptr)
        return !str_equal(site, STR("same-origin")) && !str_equal(site, STR("none"));
    return origin.ptr && !is_own_origin(http, origin);
}

static bool has_csrf_token(const struct call *call)
{
    struct str sent = http_header_find(call->http, "x-csrf-token");

    return sent.len == CSRF_TOKEN_LEN && str_equal_constant_time(sent, browser_cookie(call, COOKIE_CSRF));
}

/* A browser that has no token yet gets one with the refusal, so that its page can try again. */
static int check_csrf(struct call *call)
{
    if (is_from_elsewhere(call->http))
        return problem_set(&call->problem, ERR_FORBIDDEN, "csrf", NULL,
                           "The browser says that a page of another site sent this; the shop's own pages may.");
    if (has_csrf_token(call))
        return 0;
    TRY(browser_set_csrf(call, false));
    return problem_set(&call->problem, ERR_FORBIDDEN, "csrf", NULL,
                       "What a browser changes needs the header X-CSRF-Token, equal to its csrf cookie: load the page "
                       "again, and allow cookies. A program sends an Authorization header instead of cookies.");
}

int request_check_browser(struct request *request, bool is_program)
{
    struct call *call = &request->call;
    const struct http_request *http = request->http;
    bool is_asked = request->match.route->browser;

    if (!is_program)
        is_asked = is_asked || has_identity(http) || http_header_find(http, "x-csrf-token").ptr;
    if (!http_is_read(http) && is_asked)
        TRY(check_csrf(call));
    call->from_browser = !is_program && has_csrf_token(call);
    return 0;
}

bool request_take_session(const struct request *request, struct str *ret_token)
{
    struct str value;
    bool is_sent = find_cookie(request->http, COOKIE_SESSION, &value) > 0;

    *ret_token = browser_cookie(&request->call, COOKIE_SESSION);
    return is_sent || find_cookie(request->http, COOKIE_REFRESH, &value) > 0;
}

/* -- What is set --------------------------------------------------------------------------------------------------- */

int browser_set_cookie(struct call *call, const char *name, struct str value, int64_t lifetime_s)
{
    bool is_for_scripts = str_equal_cstr(STR(COOKIE_CSRF), name);
    char *cookie = arena_printf(call->arena, "%s=%.*s; Path=/; Max-Age=%lld; Secure; SameSite=Lax%s", name,
                                STR_FORMAT(value), (long long)lifetime_s, is_for_scripts ? "" : "; HttpOnly");

    if (!cookie)
        return ERR_NO_MEMORY;
    if (call->showing)
        call->showing->sets_cookie = call->showing->uncacheable = true;
    return reply_set_header(call->showing, "Set-Cookie", str_from_cstr(cookie));
}

int browser_clear_cookie(struct call *call, const char *name)
{
    return browser_set_cookie(call, name, STR_EMPTY, 0);
}

int browser_set_csrf(struct call *call, bool renew)
{
    CLEANUP(buf_free) struct buf token = BUF(CSRF_TOKEN_LEN);
    unsigned char bytes[CSRF_TOKEN_BYTES];

    if (!renew && browser_cookie(call, COOKIE_CSRF).len == CSRF_TOKEN_LEN)
        return 0;
    random_bytes(bytes, sizeof(bytes));
    encode_base64url(&token, str_from(bytes, sizeof(bytes)));
    TRY(buf_error(&token));
    return browser_set_cookie(call, COOKIE_CSRF, buf_str(&token), COOKIE_LIFETIME_S);
}

int browser_forget_guest(struct call *call)
{
    return call->who.is_guest_by_cookie ? browser_clear_cookie(call, COOKIE_GUEST) : 0;
}

/* -- A new guest's token ------------------------------------------------------------------------------------------- */

/* The member of a reply that tells a guest the token that was made for them; NULL where the reply has none. */
static char **guest_token_of(ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field =
        message ? protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "guest_token") : NULL;

    if (!field || field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
        return NULL;
    return (char **)(void *)((char *)message + field->offset);
}

/* What a script can read, a script of somebody else's can steal: the token goes into the cookie alone. */
static int move_guest_token(struct call *call, ProtobufCMessage *message, bool *ret_moved)
{
    char **token = guest_token_of(message);

    *ret_moved = token && *token && (*token)[0];
    if (!*ret_moved)
        return 0;
    TRY(browser_set_cookie(call, COOKIE_GUEST, str_from_cstr(*token), COOKIE_LIFETIME_S));
    *token = NULL;
    return 0;
}

int request_keep_guest(struct request *request)
{
    struct call_reply *reply = &request->reply;
    bool moved = false;

    if (!request->call.from_browser || !reply->out)
        return 0;
    TRY(move_guest_token(&request->call, reply->out, &moved));
    if (!moved)
        return 0;
    reply->encoded = false;
    return reply_encode(&request->call);
}

int request_keep_replayed_guest(struct request *request)
{
    struct idempotency *first = &request->idempotency;
    const struct rpc_method *rpc = request->match.route->rpc;
    bool moved = false;

    if (!request->call.from_browser || !rpc || first->status >= 300 || first->body.len == 0)
        return 0;
    ProtobufCMessage *message = wire_message_new(request->arena, rpc->output);
    if (!message)
        return ERR_NO_MEMORY;
    if (!guest_token_of(message))
        return 0;
    TRY(wire_from_json(request->arena, first->body, message, &request->call.problem));
    TRY(move_guest_token(&request->call, message, &moved));
    return moved ? reply_json(&request->call, message, &first->body) : 0;
}
