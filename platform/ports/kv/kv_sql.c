/* The kv port on tables of a service's own database. */
#include "platform/ports/clock/clock.h"
#include "platform/ports/kv/kv.sql.h"
#include "platform/ports/kv/kv_adapter.h"

#include <stdlib.h>

struct kv_sql {
    struct kv base;
    struct sql_db *db;
};

/* One call as a closure's argument: the same code runs in the caller's transaction and in one of its own. */
struct kv_operation {
    struct kv_key key;
    const struct kv_put *put;
    const struct kv_list *list;
    struct arena *arena;
    int64_t version;
    bool wants_version;
    int64_t limit;
    struct kv_row row;
    struct kv_row *rows;
    size_t count;
};

static struct sql_db *db_of(struct kv *kv)
{
    return ((struct kv_sql *)(void *)kv)->db;
}

static int run_write(struct kv *kv, struct sql_tx *tx, sql_closure *closure, struct kv_operation *operation)
{
    return tx ? closure(tx, operation) : sql_write(db_of(kv), closure, operation);
}

static int run_read(struct kv *kv, struct sql_tx *tx, sql_closure *closure, struct kv_operation *operation)
{
    return tx ? closure(tx, operation) : sql_read(db_of(kv), closure, operation);
}

static struct sql_value optional_text(struct str s)
{
    return s.len ? sql_text(s) : sql_null();
}

static struct sql_value optional_time(int64_t at_ms)
{
    return at_ms ? sql_int(at_ms) : sql_null();
}

static int copy_text(struct arena *arena, struct str s, struct str *ret_copy)
{
    *ret_copy = arena_copy(arena, s);
    return s.len && !ret_copy->ptr ? ERR_NO_MEMORY : 0;
}

static int copy_row(struct arena *arena, struct sql_rows *rows, struct kv_row *ret_row)
{
    struct kv_row row = {.version = sql_get_int(rows, 3), .expires_at_ms = sql_get_int(rows, 4)};
    TRY(copy_text(arena, sql_get_text(rows, 0), &row.key));
    TRY(copy_text(arena, sql_get_text(rows, 1), &row.value));
    TRY(copy_text(arena, sql_get_text(rows, 2), &row.index));
    *ret_row = row;
    return 0;
}

/* -- get ---------------------------------------------------------------------------------------------------------- */

static int get_closure(struct sql_tx *tx, void *argument)
{
    struct kv_operation *operation = argument;
    struct kv_key key = operation->key;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(
        tx, &kv_sql_get,
        SQL_ARGS(sql_text(key.tenant), sql_text(key.space), sql_text(key.key), sql_int(clock_steady_ms())), &rows);
    TRY(found);
    return found ? copy_row(operation->arena, rows, &operation->row) : ERR_NOT_FOUND;
}

static int kv_sql_do_get(struct kv *kv, struct sql_tx *tx, struct kv_key key, struct arena *arena,
                         struct kv_row *ret_row)
{
    struct kv_operation operation = {.key = key, .arena = arena};
    TRY(run_read(kv, tx, get_closure, &operation));
    *ret_row = operation.row;
    return 0;
}

/* -- put ---------------------------------------------------------------------------------------------------------- */

/* *ret_stored is 0 where the condition does not hold. */
static int exec_put(struct sql_tx *tx, const struct kv_put *put, int64_t *ret_stored)
{
    const struct kv_key *key = &put->key;
    struct sql_value values[] = {
        sql_text(key->tenant),      sql_text(key->space),      sql_text(key->key),
        sql_blob(put->value),       optional_text(put->index), optional_time(put->expires_at_ms),
        sql_int(clock_steady_ms()), sql_int(put->version),
    };
    struct sql_args without_version = {values, 7};
    switch (put->condition) {
    case KV_IF_ABSENT:
        return sql_exec(tx, &kv_sql_put_if_absent, without_version, ret_stored);
    case KV_IF_VERSION:
        return sql_exec(tx, &kv_sql_put_if_version, (struct sql_args){values, 8}, ret_stored);
    case KV_ALWAYS:
        break;
    }
    return sql_exec(tx, &kv_sql_put, without_version, ret_stored);
}

static int get_version(struct sql_tx *tx, struct kv_key key, int64_t *ret_version)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &kv_sql_get_version,
                              SQL_ARGS(sql_text(key.tenant), sql_text(key.space), sql_text(key.key)), &rows);
    if (found != 1)
        return found < 0 ? found : ERR_CORRUPT;
    *ret_version = sql_get_int(rows, 0);
    return 0;
}

static int put_closure(struct sql_tx *tx, void *argument)
{
    struct kv_operation *operation = argument;
    const struct kv_put *put = operation->put;
    int64_t stored = 0;
    TRY(exec_put(tx, put, &stored));
    if (!stored)
        return put->condition == KV_IF_VERSION ? ERR_STALE : ERR_CONFLICT;
    return operation->wants_version ? get_version(tx, put->key, &operation->version) : 0;
}

static int kv_sql_do_put(struct kv *kv, struct sql_tx *tx, const struct kv_put *put, int64_t *ret_version)
{
    struct kv_operation operation = {.put = put, .wants_version = ret_version != NULL};
    TRY(run_write(kv, tx, put_closure, &operation));
    if (ret_version)
        *ret_version = operation.version;
    return 0;
}

/* -- delete ------------------------------------------------------------------------------------------------------- */

static int delete_closure(struct sql_tx *tx, void *argument)
{
    struct kv_operation *operation = argument;
    struct sql_value values[] = {sql_text(operation->key.tenant), sql_text(operation->key.space),
                                 sql_text(operation->key.key), sql_int(operation->version)};
    if (operation->version == 0)
        return sql_exec(tx, &kv_sql_delete, (struct sql_args){values, 3}, NULL);
    int64_t deleted = 0;
    TRY(sql_exec(tx, &kv_sql_delete_if_version, (struct sql_args){values, 4}, &deleted));
    if (deleted)
        return 0;
    values[3] = sql_int(clock_steady_ms());
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &kv_sql_exists, (struct sql_args){values, 4}, &rows);
    TRY(found);
    return found ? ERR_STALE : 0;
}

static int kv_sql_do_delete(struct kv *kv, struct sql_tx *tx, struct kv_key key, int64_t version)
{
    struct kv_operation operation = {.key = key, .version = version};
    return run_write(kv, tx, delete_closure, &operation);
}

/* -- list and sweep ----------------------------------------------------------------------------------------------- */

static int list_closure(struct sql_tx *tx, void *argument)
{
    struct kv_operation *operation = argument;
    const struct kv_list *list = operation->list;
    operation->count = 0;
    operation->rows = arena_alloc_array(operation->arena, list->limit, sizeof(*operation->rows));
    if (!operation->rows)
        return ERR_NO_MEMORY;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &kv_sql_list,
                  SQL_ARGS(sql_text(list->tenant), sql_text(list->space), sql_text(list->index), sql_text(list->after),
                           sql_int(clock_steady_ms()), sql_int((int64_t)list->limit)),
                  &rows));
    int more = 0;
    while (operation->count < list->limit && (more = sql_next(rows)) == 1)
        TRY(copy_row(operation->arena, rows, &operation->rows[operation->count++]));
    return more < 0 ? more : 0;
}

static int kv_sql_do_list(struct kv *kv, struct sql_tx *tx, const struct kv_list *list, struct arena *arena,
                          struct kv_row **ret_rows, size_t *ret_count)
{
    struct kv_operation operation = {.list = list, .arena = arena};
    TRY(run_read(kv, tx, list_closure, &operation));
    *ret_rows = operation.rows;
    *ret_count = operation.count;
    return 0;
}

static int sweep_closure(struct sql_tx *tx, void *argument)
{
    struct kv_operation *operation = argument;
    int64_t deleted = 0;
    TRY(sql_exec(tx, &kv_sql_sweep, SQL_ARGS(sql_int(clock_steady_ms()), sql_int(operation->limit)), &deleted));
    operation->count = (size_t)deleted;
    return 0;
}

static int kv_sql_do_sweep(struct kv *kv, size_t limit, size_t *ret_count)
{
    struct kv_operation operation = {.limit = (int64_t)limit};
    TRY(run_write(kv, NULL, sweep_closure, &operation));
    *ret_count = operation.count;
    return 0;
}

/* -- Life --------------------------------------------------------------------------------------------------------- */

static void kv_sql_free(struct kv *kv)
{
    free(kv);
}

static const struct kv_adapter kv_sql_adapter = {
    .version = KV_ADAPTER_VERSION,
    .free = kv_sql_free,
    .get = kv_sql_do_get,
    .put = kv_sql_do_put,
    .delete = kv_sql_do_delete,
    .list = kv_sql_do_list,
    .sweep = kv_sql_do_sweep,
};

int kv_sql_open(struct kv **ret_kv, const struct port_config *config, char ret_message[512])
{
    TRY(port_expect_bare(PORT_KV, config->url, ret_message));
    struct kv_sql *kv = calloc(1, sizeof(*kv));
    if (!kv)
        return ERR_NO_MEMORY;
    kv->base.adapter = &kv_sql_adapter;
    kv->db = config->db;
    *ret_kv = &kv->base;
    return 0;
}
