#include "platform/rpc/rpc_identity.h"

#include "platform/net/tls.h"

#include <stdio.h>

#define IDENTITY_BYTES_MAX 512

bool rpc_identity_allows(struct str names, const char *trust_domain, struct str service)
{
    char wanted[IDENTITY_BYTES_MAX];
    int len = snprintf(wanted, sizeof(wanted), "spiffe://%s/service/%.*s", trust_domain, STR_FORMAT(service));

    if (service.len == 0 || len < 0 || (size_t)len >= sizeof(wanted))
        return false;
    return tls_has_name(names, str_from(wanted, (size_t)len));
}
