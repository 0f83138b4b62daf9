/* Which ports a fetch connects to, by libcurl's own reading of addresses. */
#include "platform/base/err.h"
#include "platform/net/client.h"

#include <curl/curl.h>
#include <stdlib.h>

/* libcurl's, for a proxy whose address names none. */
#define PROXY_PORT 1080

static int port_of(const char *address, unsigned flags, unsigned short *ret_port)
{
    CURLU *url = curl_url();
    char *text = NULL;
    int64_t port = 0;
    int result = url ? 0 : ERR_NO_MEMORY;

    if (result == 0 && (curl_url_set(url, CURLUPART_URL, address, CURLU_NON_SUPPORT_SCHEME | flags) != CURLUE_OK ||
                        curl_url_get(url, CURLUPART_PORT, &text, CURLU_DEFAULT_PORT) != CURLUE_OK))
        result = ERR_INVALID;
    if (result == 0)
        result = str_to_int64(str_from_cstr(text), &port);
    if (result == 0 && (port <= 0 || port > UINT16_MAX))
        result = ERR_INVALID;
    if (result == 0)
        *ret_port = (unsigned short)port;
    curl_free(text);
    curl_url_cleanup(url);
    return result;
}

/* What the environment names, as libcurl looks it up (libcurl-env(3)); HTTP_PROXY in capitals is nobody's, as a CGI
 * program would have it from a client. */
static const char *proxy_for(bool is_secure)
{
    static const char *const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    const char *const *names = is_secure ? secure : plain;
    size_t count = is_secure ? sizeof(secure) / sizeof(secure[0]) : sizeof(plain) / sizeof(plain[0]);

    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return value;
    }
    return NULL;
}

/* Behind the scheme, the user and an IPv6 address in brackets. */
static bool has_port(const char *address)
{
    static const char *const before[] = {"://", "@", "]"};

    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        const char *found = strstr(address, before[i]);
        address = found ? found + strlen(before[i]) : address;
    }
    return strchr(address, ':') != NULL;
}

int http_client_ports(const char *url, unsigned short ret_ports[HTTP_CLIENT_PORTS_MAX], size_t *ret_count)
{
    const char *proxy = proxy_for(str_starts_with(str_from_cstr(url), STR("https://")));
    size_t count = 0;

    TRY(port_of(url, 0, &ret_ports[count]));
    count++;
    if (proxy) {
        ret_ports[count] = PROXY_PORT;
        if (has_port(proxy) || str_starts_with(str_from_cstr(proxy), STR("https://")))
            TRY(port_of(proxy, CURLU_GUESS_SCHEME, &ret_ports[count]));
        count++;
    }
    *ret_count = count;
    return 0;
}
