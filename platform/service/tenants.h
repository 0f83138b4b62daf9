/* The tenants that this process knows, by id and by host name; "default" always exists. Filled by identity when it
 * starts and whenever a tenant is added; read by every request. */
#pragma once

#include "platform/base/str.h"

#define TENANT_DEFAULT "default"
#define TENANTS_MAX 4096
#define TENANT_ID_MAX 63
#define TENANT_HOST_MAX 253

struct tenants;

struct tenants *tenants_new(void);
void tenants_free(struct tenants *tenants);

/* host may be empty. Adding an id again moves its host. ERR_TOO_LARGE past TENANTS_MAX, ERR_INVALID for names that are
 * too long. */
int tenants_add(struct tenants *tenants, struct str id, struct str host);

/* The tenant that a request asks for: by the X-Tenant header where there is one, else by host name, else the default.
 * ERR_NOT_FOUND when the header names none. The view lives as long as the tenants do. */
int tenants_find(struct tenants *tenants, struct str header, struct str host, struct str *ret_id);
