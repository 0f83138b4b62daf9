#include "platform/net/proxies.h"

#include "platform/base/err.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define ADDRESS_BYTES 16
#define ADDRESS_BITS 128
#define IPV4_BITS_BEFORE 96 /* an IPv4 address stands as ::ffff:a.b.c.d */
#define PORT_DIGITS_MAX 5

struct address {
    unsigned char bytes[ADDRESS_BYTES];
};

struct network {
    struct address address;
    unsigned bits;
};

struct proxies {
    size_t count;
    struct network networks[PROXIES_MAX];
};

/* -- Addresses ----------------------------------------------------------------------------------------------------- */

static bool parse_address(struct str text, struct address *ret_address)
{
    static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char copy[CLIENT_ADDRESS_BYTES];

    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET6, copy, ret_address->bytes) == 1)
        return true;
    memcpy(ret_address->bytes, mapped, sizeof(mapped));
    return inet_pton(AF_INET, copy, ret_address->bytes + sizeof(mapped)) == 1;
}

static bool is_ipv4(const struct address *address)
{
    return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address->bytes);
}

static void format_address(const struct address *address, char ret_text[CLIENT_ADDRESS_BYTES])
{
    bool is_short = is_ipv4(address);

    inet_ntop(is_short ? AF_INET : AF_INET6, address->bytes + (is_short ? ADDRESS_BYTES - 4 : 0), ret_text,
              CLIENT_ADDRESS_BYTES);
}

static bool is_port(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return text.len > 0 && text.len <= PORT_DIGITS_MAX;
}

/* An address with or without a port, as proxies write it: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]",
 * "[2001:db8::1]:80". */
static bool parse_hop(struct str text, struct address *ret_address)
{
    ptrdiff_t colon = str_find_char(text, ':'), end;

    if (text.len > 0 && text.ptr[0] == '[') {
        end = str_find_char(text, ']');
        struct str rest = end < 0 ? STR_EMPTY : str_skip(text, (size_t)end + 1);
        if (end < 0 || (rest.len > 0 && (rest.ptr[0] != ':' || !is_port(str_skip(rest, 1)))))
            return false;
        text = str_slice(text, 1, (size_t)end - 1);
        return str_find_char(text, ':') >= 0 && parse_address(text, ret_address);
    }
    if (colon >= 0 && str_find_char(text, '.') >= 0 && str_find_char(str_skip(text, (size_t)colon + 1), ':') < 0) {
        if (!is_port(str_skip(text, (size_t)colon + 1)))
            return false;
        text.len = (size_t)colon;
    }
    return parse_address(text, ret_address);
}

/* -- The list ------------------------------------------------------------------------------------------------------ */

static bool is_within(const struct address *address, const struct network *network)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;

    if (memcmp(address->bytes, network->address.bytes, whole) != 0)
        return false;
    return rest == 0 || ((address->bytes[whole] ^ network->address.bytes[whole]) >> (8 - rest)) == 0;
}

static bool is_listed(const struct proxies *proxies, const struct address *address)
{
    for (size_t i = 0; proxies && i < proxies->count; i++) {
        if (is_within(address, &proxies->networks[i]))
            return true;
    }
    return false;
}

bool proxies_have(const struct proxies *proxies, struct str address)
{
    struct address parsed;

    return proxies && proxies->count > 0 && parse_address(address, &parsed) && is_listed(proxies, &parsed);
}

/* A network whose address has bits behind its mask is more likely a slip than meant. */
static bool has_bits_behind(const struct network *network)
{
    for (unsigned bit = network->bits; bit < ADDRESS_BITS; bit++) {
        if (network->address.bytes[bit / 8] & (0x80u >> (bit % 8)))
            return true;
    }
    return false;
}

static bool parse_network(struct str text, struct network *ret_network)
{
    ptrdiff_t slash = str_find_char(text, '/');
    struct str address = slash < 0 ? text : str_slice(text, 0, (size_t)slash);
    int64_t bits = 0;

    if (!parse_address(address, &ret_network->address))
        return false;
    bool is_short = is_ipv4(&ret_network->address) && str_find_char(address, ':') < 0;
    int64_t most = is_short ? ADDRESS_BITS - IPV4_BITS_BEFORE : ADDRESS_BITS;
    if (slash < 0)
        bits = most;
    else if (str_to_int64(str_skip(text, (size_t)slash + 1), &bits) < 0 || bits < 0 || bits > most)
        return false;
    ret_network->bits = (unsigned)bits + (is_short ? IPV4_BITS_BEFORE : 0);
    return !has_bits_behind(ret_network);
}

int proxies_new(struct proxies **ret_proxies, struct str text, char ret_message[PROXIES_MESSAGE_BYTES])
{
    struct proxies *proxies = calloc(1, sizeof(*proxies));
    struct str rest = str_trim(text), name;

    if (!proxies)
        return ERR_NO_MEMORY;
    if (rest.len == 0)
        rest = STR_EMPTY;
    while (rest.ptr && str_next_token(&rest, ',', &name)) {
        name = str_trim(name);
        bool has_room = proxies->count < PROXIES_MAX;
        if (has_room && parse_network(name, &proxies->networks[proxies->count])) {
            proxies->count++;
            continue;
        }
        if (has_room)
            snprintf(ret_message, PROXIES_MESSAGE_BYTES, "'%.*s' is no address or network, as 10.0.0.0/8 is",
                     name.len > 60 ? 60 : (int)name.len, name.len ? name.ptr : "");
        else
            snprintf(ret_message, PROXIES_MESSAGE_BYTES, "has more than %d entries", PROXIES_MAX);
        proxies_free(proxies);
        return ERR_INVALID;
    }
    *ret_proxies = proxies;
    return 0;
}

void proxies_free(struct proxies *proxies)
{
    free(proxies);
}

/* -- Requests ------------------------------------------------------------------------------------------------------ */

/* Takes what stands behind the last comma off the text; false when nothing is left (its ptr is then NULL). */
static bool take_last(struct str *text, struct str *ret_token)
{
    size_t start = text->len;

    if (!text->ptr)
        return false;
    while (start > 0 && text->ptr[start - 1] != ',')
        start--;
    *ret_token = str_trim(str_slice(*text, start, text->len - start));
    *text = start > 0 ? str_from(text->ptr, start - 1) : STR_EMPTY;
    return true;
}

/* The fields of a name are one list in their order (RFC 9110, 5.3); from the right, the last field comes first. */
struct hops {
    const struct http_request *request;
    size_t next; /* fields before this one are left */
    struct str rest;
};

static bool take_hop(struct hops *hops, struct str *ret_hop)
{
    while (!take_last(&hops->rest, ret_hop)) {
        const struct http_header *header = NULL;

        while (hops->next > 0 && !header) {
            hops->next--;
            if (str_equal(hops->request->headers[hops->next].name, STR("x-forwarded-for")))
                header = &hops->request->headers[hops->next];
        }
        if (!header)
            return false;
        hops->rest = header->value.ptr ? header->value : STR("");
    }
    return true;
}

static void apply_for(const struct proxies *proxies, struct http_request *request, char buffer[CLIENT_ADDRESS_BYTES])
{
    struct hops hops = {.request = request, .next = request->header_count};
    struct address address, client;
    struct str hop;
    bool is_known = false;

    for (unsigned i = 0; i < PROXY_HOPS_MAX && take_hop(&hops, &hop) && parse_hop(hop, &address); i++) {
        client = address;
        is_known = true;
        if (!is_listed(proxies, &address))
            break;
    }
    if (!is_known)
        return;
    format_address(&client, buffer);
    request->peer = str_from_cstr(buffer);
}

/* What the nearest proxy says, which is the last word of the last field. */
static void apply_proto(struct http_request *request)
{
    struct str last = STR_EMPTY, word = STR_EMPTY;

    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal(request->headers[i].name, STR("x-forwarded-proto")))
            last = request->headers[i].value;
    }
    if (take_last(&last, &word) && str_equal_nocase(word, STR("https")))
        request->scheme = STR("https");
    else if (word.len > 0 && str_equal_nocase(word, STR("http")))
        request->scheme = STR("http");
}

void proxies_apply(const struct proxies *proxies, struct http_request *request, char buffer[CLIENT_ADDRESS_BYTES])
{
    if (!proxies_have(proxies, request->peer))
        return;
    apply_for(proxies, request, buffer);
    apply_proto(request);
}
