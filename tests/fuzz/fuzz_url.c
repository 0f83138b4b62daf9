/* Request targets and hosts, as they come in a request line, a Host or an :authority. Input: a line with the Host, then
 * the target. What is taken has parts of one meaning: written together as an absolute address they are taken for the
 * same parts. */
#include "platform/net/server_internal.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

#define ADDRESS_BYTES_MAX 70000

static void check_host(struct str host)
{
    ASSERT(host.len == 0 || host.ptr[0] != ':');
    for (size_t i = 0; i < host.len; i++)
        ASSERT(host.ptr[i] > ' ' && host.ptr[i] != 127 && !strchr("/?#@\\,\"<>", host.ptr[i]));
}

static void check_target(const struct http_request *request)
{
    struct str target = request->target, path = request->path, query = request->query;

    ASSERT(path.len > 0 && (path.ptr[0] == '/' || str_equal(path, STR("*"))));
    ASSERT(str_find_char(path, '?') < 0 && str_find_char(target, '#') < 0);
    /* The target is its path and its query, and nothing else. */
    if (target.ptr[0] != '?')
        ASSERT(str_starts_with(target, path) &&
               target.len == path.len + (str_find_char(target, '?') < 0 ? 0 : 1 + query.len));
}

static void check_again(const struct http_request *first)
{
    CLEANUP(buf_free) struct buf address = BUF(ADDRESS_BYTES_MAX);
    static struct http_exchange again;

    if (first->host.len == 0 || first->path.ptr[0] != '/')
        return;
    buf_append(&address, STR("http://"));
    buf_append(&address, first->host);
    buf_append(&address, first->target);
    if (buf_error(&address) < 0)
        return;
    again.request = (struct http_request){.method = first->method, .host = STR("other")};
    ASSERT(http_exchange_set_target(&again, buf_str(&address)) == 0);
    ASSERT(str_equal(again.request.host, first->host) && str_equal(again.request.path, first->path));
    ASSERT(str_equal(again.request.query, first->query));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_exchange exchange;
    struct str target = str_from(data, size);
    struct str host = fuzz_take_line(&target);

    exchange.request = (struct http_request){.method = size % 2 ? HTTP_GET : HTTP_OPTIONS};
    if (http_exchange_set_host(&exchange, host) == 0)
        check_host(exchange.request.host);
    else
        exchange.request.host = STR_EMPTY;
    if (http_exchange_set_target(&exchange, target) < 0)
        return 0;
    check_host(exchange.request.host);
    check_target(&exchange.request);
    check_again(&exchange.request);
    return 0;
}
