#include "platform/service/tenants.h"

#include "platform/base/err.h"
#include "platform/base/task.h"

#include <stdlib.h>

struct tenant {
    struct tenant *next;
    size_t id_len, host_len;
    char id[TENANT_ID_MAX + 1];
    char host[TENANT_HOST_MAX + 1];
};

/* Few and read by every request: a list, prepended to and never unlinked, so that views stay valid. */
struct tenants {
    struct task_mutex mutex;
    struct tenant *first;
    size_t count;
};

struct tenants *tenants_new(void)
{
    struct tenants *tenants = calloc(1, sizeof(*tenants));

    if (!tenants)
        return NULL;
    task_mutex_init(&tenants->mutex);
    if (tenants_add(tenants, STR(TENANT_DEFAULT), STR_EMPTY) < 0) {
        tenants_free(tenants);
        return NULL;
    }
    return tenants;
}

void tenants_free(struct tenants *tenants)
{
    if (!tenants)
        return;
    while (tenants->first) {
        struct tenant *tenant = tenants->first;

        tenants->first = tenant->next;
        free(tenant);
    }
    task_mutex_destroy(&tenants->mutex);
    free(tenants);
}

static struct tenant *find_by_id(struct tenants *tenants, struct str id)
{
    struct tenant *tenant = tenants->first;

    while (tenant && !str_equal(str_from(tenant->id, tenant->id_len), id))
        tenant = tenant->next;
    return tenant;
}

static struct tenant *find_by_host(struct tenants *tenants, struct str host)
{
    struct tenant *tenant = tenants->first;

    while (tenant && !(tenant->host_len && str_equal_nocase(str_from(tenant->host, tenant->host_len), host)))
        tenant = tenant->next;
    return tenant;
}

int tenants_add(struct tenants *tenants, struct str id, struct str host)
{
    TASK_LOCKED(&tenants->mutex);
    struct tenant *tenant = find_by_id(tenants, id);

    if (id.len == 0 || id.len > TENANT_ID_MAX || host.len > TENANT_HOST_MAX)
        return ERR_INVALID;
    if (!tenant) {
        if (tenants->count == TENANTS_MAX)
            return ERR_TOO_LARGE;
        tenant = calloc(1, sizeof(*tenant));
        if (!tenant)
            return ERR_NO_MEMORY;
        memcpy(tenant->id, id.ptr, id.len);
        tenant->id_len = id.len;
        tenant->next = tenants->first;
        tenants->first = tenant;
        tenants->count++;
    }
    if (host.len)
        memcpy(tenant->host, host.ptr, host.len);
    tenant->host_len = host.len;
    return 0;
}

int tenants_find(struct tenants *tenants, struct str header, struct str host, struct str *ret_id)
{
    TASK_LOCKED(&tenants->mutex);
    struct tenant *tenant;

    if (header.ptr) {
        tenant = find_by_id(tenants, header);
        if (!tenant)
            return ERR_NOT_FOUND;
    } else {
        tenant = host.len ? find_by_host(tenants, host) : NULL;
        if (!tenant)
            tenant = find_by_id(tenants, STR(TENANT_DEFAULT));
    }
    *ret_id = str_from(tenant->id, tenant->id_len);
    return 0;
}
