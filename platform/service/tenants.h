/* The tenants that this process knows, by id and by host name; "default" always exists. Filled by identity when it
 * starts and whenever a tenant is added; read by every request.
 *
 * A host that is a tenant's leads to it. The shop's own hosts lead to the default: this machine's names for itself,
 * addresses instead of names, and those of tenants_add_own_host. Any other host is nobody's. */
#pragma once

#include "platform/base/str.h"

#define TENANT_DEFAULT "default"
#define TENANTS_MAX 4096
#define TENANT_ID_MAX 63
#define TENANT_HOST_MAX 253
#define TENANT_OWN_HOSTS_MAX 4

struct tenants;

struct tenants *tenants_new(void);
void tenants_free(struct tenants *tenants);

/* host may be empty. Adding an id again moves its host. ERR_TOO_LARGE past TENANTS_MAX, ERR_INVALID for names that are
 * too long. */
int tenants_add(struct tenants *tenants, struct str id, struct str host);

/* The default is reached by this host too. ERR_TOO_LARGE past TENANT_OWN_HOSTS_MAX, ERR_INVALID for a name that is
 * empty or too long. */
int tenants_add_own_host(struct tenants *tenants, struct str host);

/* The tenant that a request asks for: by the X-Tenant header where there is one, else by host; without either (host is
 * empty), the default. ERR_NOT_FOUND when what counts is nobody's. The view lives as long as the tenants do. */
int tenants_find(struct tenants *tenants, struct str header, struct str host, struct str *ret_id);
