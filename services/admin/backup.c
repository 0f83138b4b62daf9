/* Backup: the databases of one moment, into files that the command line opened. What else a copy has is its part. */
#include "platform/service/host.h"
#include "services/admin/admin.h"
#include "services/admin/snapshots.h"

#define MESSAGE_BYTES 512

struct copying {
    const Admin__CopyDatabasesRequest *in;
    char message[MESSAGE_BYTES];
};

int list_databases(struct call *call, const Common__Empty *in, Admin__ListDatabasesReply *out)
{
    (void)in;
    out->services = arena_alloc_array(call->arena, HOST_SERVICES_MAX, sizeof(out->services[0]));
    if (!out->services)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < call->host->instance_count; i++) {
        const struct service_instance *instance = &call->host->instances[i];

        if (!instance->db)
            continue;
        char *name = arena_cstr(call->arena, str_from_cstr(instance->service->name));
        if (!name)
            return ERR_NO_MEMORY;
        out->services[out->n_services++] = name;
    }
    return 0;
}

static int copy_all(struct call *call, const struct snapshot *snapshots, size_t count, void *argument)
{
    struct copying *copying = argument;

    if (count != copying->in->n_services)
        return ERR_INVALID;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(snapshots[i].instance->service->name, copying->in->services[i]) != 0)
            return ERR_INVALID;
    }
    for (size_t i = 0; i < count; i++)
        TRY(sql_backup_snapshot(snapshots[i].tx, call->files[i], copying->message));
    return 0;
}

int copy_databases(struct call *call, const Admin__CopyDatabasesRequest *in, Common__Empty *out)
{
    struct copying copying = {.in = in};

    (void)out;
    if (call->file_count != in->n_services)
        return call_fail(call, ERR_INVALID, "files", NULL, "An open file must come with the call for each database.");
    int result = with_snapshots(call, copy_all, &copying);
    if (result == ERR_INVALID)
        return call_fail(call, result, "services", "/services", "These are not the databases that there are.");
    if (result < 0)
        return call_fail(call, result, "copy_failed", NULL, "The databases could not be copied: %s.",
                         copying.message[0] ? copying.message : error_name(result));
    return 0;
}
