/* What arrives on a connection, over a real socket on loopback, to the server as it runs: HTTP/1, and HTTP/2 where the
 * input starts with its preface. Each input is one connection. The server must end every one, whatever came, and must
 * hand on only requests that keep to http.h and that no other server could read differently. */
#include "tests/fuzz/fuzz_server.h"

/* One way to tell where the body ends, one Host (RFC 9112, 3.2 and 6.3). */
static void check_framing(const struct http_request *request)
{
    size_t codings = fuzz_count_headers(request, "transfer-encoding");
    size_t lengths = fuzz_count_headers(request, "content-length");

    ASSERT(codings + lengths <= 1);
    ASSERT(codings == 0 || request->version == 11);
    ASSERT(codings == 0 || str_equal_nocase(http_header_find(request, "transfer-encoding"), STR("chunked")));
    ASSERT(codings + lengths == 1 || request->body.len == 0);
    ASSERT(request->version == 10 || fuzz_count_headers(request, "host") == 1);
}

static void on_request(void *context, struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct http_response response = {.status = 200, .body = request->target};

    (void)context;
    fuzz_check_request(request);
    if (request->version < 20)
        check_framing(request);
    http_exchange_respond(exchange, &response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int port;

    if (size > FUZZ_CONNECTION_BYTES_MAX)
        return 0;
    if (port == 0)
        port = fuzz_server_start(on_request);
    fuzz_exchange(port, str_from(data, size));
    return 0;
}
