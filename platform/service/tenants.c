#include "platform/service/tenants.h"

#include "platform/base/err.h"
#include "platform/base/task.h"

#include <arpa/inet.h>
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
    char own_hosts[TENANT_OWN_HOSTS_MAX][TENANT_HOST_MAX + 1];
    size_t own_host_count;
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

int tenants_add_own_host(struct tenants *tenants, struct str host)
{
    TASK_LOCKED(&tenants->mutex);
    if (host.len == 0 || host.len > TENANT_HOST_MAX)
        return ERR_INVALID;
    if (tenants->own_host_count == TENANT_OWN_HOSTS_MAX)
        return ERR_TOO_LARGE;
    char *own = tenants->own_hosts[tenants->own_host_count++];
    memcpy(own, host.ptr, host.len);
    own[host.len] = '\0';
    return 0;
}

/* "localhost" and what ends with it (RFC 6761, section 6.3), an IPv6 address in brackets, an IPv4 address. */
static bool is_own_by_form(struct str host)
{
    static const struct str localhost = {"localhost", 9};
    struct in_addr address;
    char text[INET_ADDRSTRLEN] = "";

    if (host.ptr[0] == '[')
        return true;
    if (host.len >= localhost.len && str_equal_nocase(str_skip(host, host.len - localhost.len), localhost))
        return host.len == localhost.len || host.ptr[host.len - localhost.len - 1] == '.';
    if (host.len >= sizeof(text))
        return false;
    memcpy(text, host.ptr, host.len);
    return inet_pton(AF_INET, text, &address) == 1;
}

static bool is_own_host(const struct tenants *tenants, struct str host)
{
    for (size_t i = 0; i < tenants->own_host_count; i++) {
        if (str_equal_nocase(host, str_from_cstr(tenants->own_hosts[i])))
            return true;
    }
    return is_own_by_form(host);
}

int tenants_find(struct tenants *tenants, struct str header, struct str host, struct str *ret_id)
{
    TASK_LOCKED(&tenants->mutex);
    struct tenant *tenant;

    /* The root's dot at the end of a name says no more than its absence. */
    if (host.len > 1 && host.ptr[host.len - 1] == '.')
        host.len--;
    if (header.ptr)
        tenant = find_by_id(tenants, header);
    else
        tenant = host.len ? find_by_host(tenants, host) : find_by_id(tenants, STR(TENANT_DEFAULT));
    if (!tenant && !header.ptr && is_own_host(tenants, host))
        tenant = find_by_id(tenants, STR(TENANT_DEFAULT));
    if (!tenant)
        return ERR_NOT_FOUND;
    *ret_id = str_from(tenant->id, tenant->id_len);
    return 0;
}
