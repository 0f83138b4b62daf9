/* The parts of a request that we read ourselves: the query's pairs, percent-encoding, cookies, and the match of a path
 * against every service's rows. Input: a line with the path or query, a line with the name of a cookie, the Cookie
 * header. */
#include "platform/net/http.h"
#include "platform/service/router.h"
#include "platform/wire/wire.h"
#include "services/services.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "tests/fuzz/fuzz.h"

#define ROUTERS_MAX 32
#define PAIRS_MAX 100000

static struct router *routers[ROUTERS_MAX];
static size_t router_count;

static void make_routers(void)
{
    for (; all_services[router_count]; router_count++) {
        ASSERT(router_count < ROUTERS_MAX);
        routers[router_count] = router_new(all_services[router_count]);
        ASSERT(routers[router_count]);
    }
}

static bool is_part_of(struct str part, struct str whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_decoded(struct str decoded, struct str encoded)
{
    ASSERT(decoded.len <= encoded.len && str_is_utf8(decoded) && str_find_char(decoded, '\0') < 0);
}

static void check_query(struct arena *arena, struct str text)
{
    ProtobufCMessage *message = wire_message_new(arena, catalog_list_products_rpc.input);
    struct str name, value, rest = text;
    struct problem problem;
    size_t pairs = 0;

    while (message && http_query_next(arena, &rest, &name, &value) == 1) {
        ASSERT(++pairs < PAIRS_MAX);
        check_decoded(name, text);
        check_decoded(value, text);
        wire_set_field(arena, message, name, value, "?", &problem);
    }
}

static void check_path(struct arena *arena, struct str text)
{
    struct str decoded;
    struct route_match match;

    if (http_path_decode(arena, text, &decoded) == 0)
        check_decoded(decoded, text);
    for (size_t i = 0; i < router_count; i++) {
        if (!router_match(routers[i], HTTP_GET, text, &match))
            continue;
        ASSERT(match.parameter_count <= ROUTE_PARAMETERS_MAX && match.methods != 0);
        for (size_t j = 0; j < match.parameter_count; j++)
            ASSERT(is_part_of(match.parameters[j].value, text));
    }
}

/* A cookie that is found stands behind its own whole name, at the beginning or behind a semicolon; each that does is
 * counted, the first one is told, and its value ends where the next begins. */
static void check_cookie(struct str cookies, struct str name)
{
    struct str value;
    struct str pair, rest = cookies;
    struct str expected = STR_EMPTY;
    size_t count = 0, found = http_cookie_find(cookies, name, &value);

    while (rest.ptr && str_next_token(&rest, ';', &pair)) {
        struct str trimmed = str_trim(pair);
        if (trimmed.len <= name.len || !str_starts_with(trimmed, name) || trimmed.ptr[name.len] != '=' ||
            str_find_char(name, '=') >= 0)
            continue;
        if (count++ == 0)
            expected = trimmed.len == name.len + 1 ? STR("") : str_skip(trimmed, name.len + 1);
    }
    ASSERT(found == count && str_equal(value, expected) && !value.ptr == !expected.ptr);
    ASSERT(str_find_char(value, ';') < 0 && (value.len == 0 || is_part_of(value, cookies)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct str cookies = str_from(data, size);
    struct str text = fuzz_take_line(&cookies);
    struct str name = fuzz_take_line(&cookies);

    if (router_count == 0)
        make_routers();
    check_query(arena, text);
    check_path(arena, text);
    check_cookie(cookies, name);
    return 0;
}
