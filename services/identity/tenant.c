/* Tenants: shops within the shop. Requests find them in memory (platform/service/tenants.h); here is where they are
 * kept. */
#include "platform/wire/wire_format.h"
#include "services/identity/identity.h"

#include <stdlib.h>

struct added_tenant {
    struct service_host *host;
    char id[TENANT_ID_MAX + 1];
    char host_name[TENANT_HOST_MAX + 1];
};

static void tell_requests(bool committed, void *argument)
{
    struct added_tenant *added = argument;
    int result =
        committed ? tenants_add(added->host->tenants, str_from_cstr(added->id), str_from_cstr(added->host_name)) : 0;
    if (result < 0)
        log_error(&added->host->log, "tenant is known after the next start only", LOG_ERR(result));
    free(added);
}

/* Where the tenant exists and no host is given, *host becomes the one that it has. */
static int look_up_tenant(struct call *call, struct str id, struct str *host)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(call->tx, &identity_sql_find_tenant, SQL_ARGS(sql_text(id)), &rows);
    if (found > 0 && !host->ptr) {
        *host = str_from_cstr(arena_cstr(call->arena, sql_get_text(rows, 0)));
        return host->ptr ? found : ERR_NO_MEMORY;
    }
    return found;
}

static int count_tenants(struct call *call)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query_row(call->tx, &identity_sql_count_tenants, SQL_NO_ARGS, &rows));
    if (sql_get_int(rows, 0) < TENANTS_MAX - 1)
        return 0;
    return call_fail(call, ERR_TOO_LARGE, "too_many_tenants", NULL, "A shop has at most %d tenants.", TENANTS_MAX);
}

static int put_tenant(struct call *call, const struct added_tenant *added)
{
    int result = sql_exec(call->tx, &identity_sql_put_tenant,
                          SQL_ARGS(sql_cstr(added->id), sql_cstr(added->host_name), sql_int(clock_latest_ms())), NULL);
    if (result == ERR_CONFLICT)
        return call_fail(call, ERR_CONFLICT, "host_taken", "/host", "Another tenant has this host name.");
    return result;
}

int add_tenant(struct call *call, const Identity__AddTenantRequest *in, Identity__Tenant *out)
{
    struct str host = STR_EMPTY, id = str_from_cstr(in->id);
    if (in->host)
        host = identity_normal_email(call, in->host); /* Host names are lower case as well. */
    if (in->host && !host.ptr)
        return ERR_NO_MEMORY;
    if (id.len > TENANT_ID_MAX || host.len > TENANT_HOST_MAX)
        return ERR_INVALID;
    const struct wire_format *format = wire_format_find("hostname");
    if (host.len > 0 && !format->is_valid(host)) /* the empty one takes the tenant's away */
        return call_fail(call, ERR_INVALID, "invalid_format", "/host", "The host must be %s.", format->description);
    int found = look_up_tenant(call, id, &host);
    TRY(found);
    if (!found)
        TRY(count_tenants(call));
    struct added_tenant *added = calloc(1, sizeof(*added));
    if (!added)
        return ERR_NO_MEMORY;
    added->host = call->host;
    memcpy(added->id, in->id, id.len);
    if (host.len > 0)
        memcpy(added->host_name, host.ptr, host.len);
    out->id = arena_cstr(call->arena, id);
    out->host = arena_cstr(call->arena, host);
    int result = out->id && out->host ? put_tenant(call, added) : ERR_NO_MEMORY;
    if (result == 0)
        result = sql_tx_on_commit(call->tx, tell_requests, added);
    if (result < 0)
        free(added);
    return result;
}

int list_tenants(struct call *call, const Identity__ListTenantsRequest *in, Identity__ListTenantsReply *out)
{
    (void)in;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int row;
    out->tenants = arena_alloc_array(call->arena, TENANTS_MAX, sizeof(Identity__Tenant *));
    if (!out->tenants)
        return ERR_NO_MEMORY;
    TRY(sql_query(call->tx, &identity_sql_list_tenants, SQL_ARGS(sql_int(TENANTS_MAX)), &rows));
    while ((row = sql_next(rows)) > 0 && out->n_tenants < TENANTS_MAX) {
        Identity__Tenant *tenant = arena_alloc(call->arena, sizeof(*tenant));
        if (!tenant)
            return ERR_NO_MEMORY;
        identity__tenant__init(tenant);
        tenant->id = arena_cstr(call->arena, sql_get_text(rows, 0));
        tenant->host = arena_cstr(call->arena, sql_get_text(rows, 1));
        if (!tenant->id || !tenant->host)
            return ERR_NO_MEMORY;
        out->tenants[out->n_tenants++] = tenant;
    }
    return row < 0 ? row : 0;
}
