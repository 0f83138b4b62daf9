/* The name of a service in a certificate, after SPIFFE: spiffe://TRUST-DOMAIN/service/NAME. A process that runs several
 * services has the names of all. https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md */
#pragma once

#include "platform/base/str.h"

/* Whether a certificate with these names (a request's peer_names) may speak as the service. */
bool rpc_identity_allows(struct str names, const char *trust_domain, struct str service);
