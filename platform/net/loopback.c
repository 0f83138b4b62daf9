#include "platform/net/loopback.h"

#include <arpa/inet.h>
#include <stdio.h>

/* AF_INET, AF_INET6, or 0 for what is no address. */
static int family_of(struct str host, struct in6_addr *ret_address)
{
    char text[INET6_ADDRSTRLEN];

    if (host.len == 0 || host.len >= sizeof(text))
        return 0;
    snprintf(text, sizeof(text), "%.*s", STR_FORMAT(host));
    if (inet_pton(AF_INET, text, ret_address) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, text, ret_address) == 1 ? AF_INET6 : 0;
}

bool is_numeric_host(struct str host)
{
    struct in6_addr address;

    return family_of(host, &address) != 0;
}

bool is_loopback_host(struct str host)
{
    struct in6_addr address;

    switch (family_of(host, &address)) {
    case AF_INET:
        return address.s6_addr[0] == IN_LOOPBACKNET;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address);
    default:
        return str_equal(host, STR("localhost"));
    }
}
