/* What stands before the shop: lists of proxies, and the header fields by which they speak of their clients. Input: a
 * line with the list, one with the peer, then the fields, "F…" for X-Forwarded-For and others for X-Forwarded-Proto. */
#include "platform/net/proxies.h"
#include "tests/fuzz/fuzz.h"

static size_t take_fields(struct str rest, struct http_header *headers)
{
    size_t count = 0;

    while (rest.ptr && count < HTTP_HEADERS_MAX) {
        struct str line = fuzz_take_line(&rest);
        bool is_for = line.len > 0 && line.ptr[0] == 'F';

        headers[count++] = (struct http_header){is_for ? STR("x-forwarded-for") : STR("x-forwarded-proto"),
                                                str_skip(line, is_for ? 1 : 0)};
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_header headers[HTTP_HEADERS_MAX];
    struct str rest = str_from(data, size), list = fuzz_take_line(&rest), peer = fuzz_take_line(&rest);
    struct proxies *proxies = NULL, *own = NULL;
    char message[PROXIES_MESSAGE_BYTES] = "", buffer[CLIENT_ADDRESS_BYTES];
    int result = proxies_new(&proxies, list, message);

    ASSERT(result == 0 || (result == ERR_INVALID && message[0]));
    struct http_request request = {.peer = peer, .scheme = STR("http"), .headers = headers};
    request.header_count = take_fields(rest, headers);
    bool is_proxy = proxies_have(proxies, peer);
    proxies_apply(proxies, &request, buffer);
    ASSERT(str_equal(request.scheme, STR("http")) || str_equal(request.scheme, STR("https")));
    if (!is_proxy)
        ASSERT(request.peer.ptr == peer.ptr && str_equal(request.scheme, STR("http")));
    if (request.peer.ptr != peer.ptr) {
        /* An address that a list can name, whole and short. */
        ASSERT(request.peer.len < CLIENT_ADDRESS_BYTES && proxies_new(&own, request.peer, message) == 0);
        ASSERT(proxies_have(own, request.peer));
    }
    proxies_free(own);
    proxies_free(proxies);
    return 0;
}
