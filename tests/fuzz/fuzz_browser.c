/* Whether a browser's request may change something: its cookies, the CSRF token, and where it says it comes from.
 * Input: a line each for Cookie, X-CSRF-Token, Sec-Fetch-Site, Origin and Host; an empty one is not sent. */
#include "platform/service/browser.h"
#include "platform/service/request_parts.h"
#include "tests/fuzz/fuzz.h"

static const struct route row = {.method = "POST", .path = "/v1/things", .auth = AUTH_SHOPPER};

static size_t count_cookies(struct str cookies, struct str name, struct str *ret_last)
{
    struct str pair;
    size_t count = 0;

    while (cookies.ptr && str_next_token(&cookies, ';', &pair)) {
        pair = str_trim(pair);
        if (!str_starts_with(pair, name) || pair.len == name.len || pair.ptr[name.len] != '=')
            continue;
        *ret_last = str_skip(pair, name.len + 1);
        count++;
    }
    return count;
}

static bool has_identity(struct str cookies)
{
    struct str last;

    return count_cookies(cookies, STR("__Host-session"), &last) + count_cookies(cookies, STR("__Host-refresh"), &last) +
               count_cookies(cookies, STR("__Host-guest"), &last) >
           0;
}

static bool is_ours(struct str site, struct str origin, struct str host)
{
    if (site.len > 0)
        return str_equal(site, STR("same-origin")) || str_equal(site, STR("none"));
    for (size_t i = 0; i + host.len <= origin.len; i++) {
        if (host.len > 0 && str_equal_nocase(str_slice(origin, i, host.len), host))
            return true;
    }
    return origin.len == 0;
}

/* Whatever was let through had every proof that was asked of it. */
static void check_let_in(struct str cookies, struct str token)
{
    struct str csrf = STR_EMPTY;

    ASSERT(token.len == CSRF_TOKEN_LEN);
    ASSERT(count_cookies(cookies, STR("csrf"), &csrf) == 1 && str_equal(csrf, token));
}

/* A refusal sets a new token at the most, and nothing that was sent. */
static void check_answer(const struct call_reply *reply)
{
    ASSERT(reply->header_count <= 1);
    for (size_t i = 0; i < reply->header_count; i++) {
        struct str value = reply->headers[i].value;

        ASSERT(str_starts_with(value, STR("csrf=")) && str_find_char(value, ';') == 5 + CSRF_TOKEN_LEN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    static const char *const names[] = {"cookie", "x-csrf-token", "sec-fetch-site", "origin"};
    struct str rest = str_from(data, size), lines[4];
    struct http_header headers[4];
    struct http_request http = {.method = HTTP_POST, .headers = headers};
    struct request request = {.http = &http, .arena = arena, .match.route = &row};

    for (size_t i = 0; i < 4; i++) {
        lines[i] = fuzz_take_line(&rest);
        if (lines[i].len > 0)
            headers[http.header_count++] = (struct http_header){str_from_cstr(names[i]), lines[i]};
    }
    http.host = fuzz_take_line(&rest);
    request.call = (struct call){.arena = arena, .http = &http, .reply = &request.reply};
    int result = request_check_browser(&request, false);
    ASSERT(result == 0 || (result == ERR_FORBIDDEN && str_equal_cstr(STR("csrf"), request.call.problem.code)));
    if (result == 0 && (has_identity(lines[0]) || lines[1].len > 0)) {
        check_let_in(lines[0], lines[1]);
        ASSERT(request.call.from_browser && is_ours(lines[2], lines[3], http.host));
    }
    check_answer(&request.reply);
    return 0;
}
