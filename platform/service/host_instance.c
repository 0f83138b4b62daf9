#include "platform/service/host_instance.h"

#include "platform/ports/events/migrations/migrations.h"
#include "platform/ports/kv/kv_faulty.h"
#include "platform/ports/kv/migrations/migrations.h"
#include "platform/ports/queue/migrations/migrations.h"
#include "platform/ports/queue/queue_faulty.h"
#include "platform/ports/random/random.h"
#include "platform/ports/sql/sql_faulty.h"
#include "platform/ports/stream/migrations/migrations.h"
#include "platform/ports/stream/stream_faulty.h"
#include "platform/ports/workflow/migrations/migrations.h"
#include "platform/service/folder_manifest.h"
#include "platform/service/host.h"
#include "platform/service/host_flow.h"
#include "platform/service/host_folder.h"
#include "platform/service/migrations/migrations.h"
#include "platform/service/sql/secret.sql.h"

#include <stdio.h>
#include <stdlib.h>

#define READERS 3
#define WRITE_BATCH_MAX 256
#define START_ARENA_BYTES (32u << 20)
#define START_TIMEOUT_MS (10 * 60 * 1000)

struct sql_place host_place(const struct service_host *host, const char *service)
{
    return (struct sql_place){.url = port_url(host->options.config, PORT_SQL),
                              .service = service,
                              .data_path = host->options.data_path,
                              .vfs = host->options.sql_vfs};
}

int host_instance_open_database(struct service_instance *instance, char ret_message[512])
{
    const struct host_options *options = &instance->host->options;
    const struct sql_place place = host_place(instance->host, instance->service->name);
    char url[SQL_URL_BYTES];

    if (instance->db)
        return 0;
    TRY(sql_locate(&place, url, ret_message));
    const struct sql_config config = {.url = url,
                                      .reader_count = READERS,
                                      .write_batch_max = WRITE_BATCH_MAX,
                                      .is_marked = host_folder_names(instance->host, instance->service->name)};
    TRY(sql_open(&instance->db, &config, ret_message));
    return sql_faulty_wrap(&instance->db, options->faults);
}

int host_migrate(const struct service *service, struct sql_db *db, char ret_message[512])
{
    const struct {
        const char *name;
        const struct sql_migration *list;
        size_t count;
    } lists[] = {
        {"service", service_migrations, service_migration_count},
        {"events", events_migrations, events_migration_count},
        {"kv", kv_migrations, kv_migration_count},
        {"queue", queue_migrations, queue_migration_count},
        {"stream", stream_migrations, stream_migration_count},
        {"workflow", workflow_migrations, workflow_migration_count},
    };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        TRY(sql_migrate(db, lists[i].name, lists[i].list, lists[i].count, ret_message));
    if (service->migrations)
        TRY(sql_migrate(db, service->name, service->migrations, *service->migration_count, ret_message));
    return 0;
}

/* The key that seals this service's cursors, made once. */
static int load_seal_key(struct sql_tx *tx, void *argument)
{
    struct service_instance *instance = argument;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    unsigned char fresh[sizeof(instance->seal_key)];

    random_bytes(fresh, sizeof(fresh));
    TRY(sql_exec(tx, &service_sql_insert_secret,
                 SQL_ARGS(sql_cstr("cursor_seal"), sql_blob(str_from(fresh, sizeof(fresh)))), NULL));
    int result = sql_query_row(tx, &service_sql_find_secret, SQL_ARGS(sql_cstr("cursor_seal")), &rows);
    TRY(result);
    struct str value = result > 0 ? sql_get_text(rows, 0) : STR_EMPTY;
    if (value.len != sizeof(instance->seal_key))
        return ERR_CORRUPT;
    memcpy(instance->seal_key, value.ptr, value.len);
    return 0;
}

/* Whether a row of the table stores or reads something, which a service with no_database must not. */
static bool uses_database(const struct service *service)
{
    if (service->migrations || service->publishes || service->consumes || service->workers || service->streams ||
        service->workflows)
        return true;
    for (const struct route *route = service->routes; route->rpc || route->raw; route++) {
        bool outside = route->tx == TX_NONE || (route->raw && route->tx == TX_DEFAULT);

        if (!outside || route->idempotent || route->key_required)
            return true;
    }
    return false;
}

/* What may stand on the database. */
static int open_kept(struct service_instance *instance, char ret_message[512])
{
    const struct service_host *host = instance->host;
    struct fault_plan *faults = host->options.faults;
    const struct port_config kv = host_port_config(host, PORT_KV, instance->db);
    const struct port_config queue = host_port_config(host, PORT_QUEUE, instance->db);
    struct port_config stream = host_port_config(host, PORT_STREAM, instance->db);

    stream.service = instance->service->name;
    snprintf(ret_message, 512, "Out of memory.");
    TRY(kv_open(&instance->kv, &kv, ret_message));
    TRY(kv_faulty_wrap(&instance->kv, faults));
    TRY(work_queue_open(&instance->queue, &queue, ret_message));
    TRY(work_queue_faulty_wrap(&instance->queue, faults));
    TRY(stream_open(&instance->stream, &stream, ret_message));
    return stream_faulty_wrap(&instance->stream, faults);
}

static int refuse_database(const struct service_instance *instance, int error, char ret_message[512])
{
    const struct sql_place place = host_place(instance->host, instance->service->name);

    return folder_manifest_unusable(&place, "written", error, ret_message);
}

static int open_stores(struct service_instance *instance, char ret_message[512])
{
    TRY(host_instance_open_database(instance, ret_message));
    TRY(host_migrate(instance->service, instance->db, ret_message));
    int result = sql_write(instance->db, load_seal_key, instance);
    if (result < 0)
        return refuse_database(instance, result, ret_message);
    TRY(open_kept(instance, ret_message));
    return host_flow_add(instance, ret_message);
}

int host_instance_open(struct service_instance *instance, char ret_message[512])
{
    instance->router = router_new(instance->service);
    if (!instance->router)
        return ERR_NO_MEMORY;
    if (!instance->service->no_database)
        return open_stores(instance, ret_message);
    ASSERT(!uses_database(instance->service));
    return 0;
}

int host_instance_start(struct service_instance *instance, char ret_message[512])
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(START_ARENA_BYTES);
    struct call call;

    if (!instance->service->start)
        return 0;
    if (!arena)
        return ERR_NO_MEMORY;
    TRY(host_call_begin(instance, arena, STR(TENANT_DEFAULT), STR_EMPTY, START_TIMEOUT_MS, &call));
    int result = instance->service->start(&call, &instance->state);
    if (result == ERR_CORRUPT && !call.problem.detail[0] && instance->db)
        return refuse_database(instance, result, ret_message);
    if (result < 0)
        snprintf(ret_message, 512, "%s does not start: %s", instance->service->name,
                 call.problem.detail[0] ? call.problem.detail : error_name(result));
    return result;
}

void host_instance_close(struct service_instance *instance)
{
    if (instance->state && instance->service->stop)
        instance->service->stop(instance->state);
    stream_free(instance->stream);
    work_queue_free(instance->queue);
    kv_free(instance->kv);
    sql_close(instance->db);
    router_free(instance->router);
}
