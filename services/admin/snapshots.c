#include "services/admin/snapshots.h"

#include "platform/base/task.h"
#include "services/admin/sql/snapshot.sql.h"

struct holding;

/* One task a database: the read belongs to it, and is lent to whoever asked. */
struct holder {
    struct holding *holding;
    const struct service_instance *instance;
    struct task *task;
    struct sql_tx *tx;
    int error;
    bool is_ready; /* with a transaction, or an error */
};

struct holding {
    struct task_mutex mutex;
    struct task_cond changed;
    struct holder holders[HOST_SERVICES_MAX];
    size_t count;
    bool is_started;
    bool is_released;
};

/* What the writers are stopped with, one inside the other. */
struct freeze {
    struct holding *holding;
    size_t next;
};

/* -- Holding a read open ----------------------------------------------------------------------------------------- */

static void become_ready(struct holder *holder, struct sql_tx *tx, int error)
{
    TASK_LOCKED(&holder->holding->mutex);
    holder->tx = tx;
    holder->error = error;
    holder->is_ready = true;
    task_cond_broadcast(&holder->holding->changed);
}

static int hold_closure(struct sql_tx *tx, void *argument)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct holder *holder = argument;
    struct holding *holding = holder->holding;

    int found = sql_query_row(tx, &admin_sql_touch, SQL_NO_ARGS, &rows);
    TRY(found);
    become_ready(holder, tx, 0);
    task_mutex_lock(&holding->mutex);
    while (!holding->is_released)
        task_cond_wait(&holding->changed, &holding->mutex);
    task_mutex_unlock(&holding->mutex);
    return 0;
}

static void hold(void *argument)
{
    struct holder *holder = argument;
    int error = sql_read(holder->instance->db, hold_closure, holder);

    if (error < 0)
        become_ready(holder, NULL, error);
}

static int start_holders(struct holding *holding)
{
    if (holding->is_started)
        return 0; /* an engine may run the closure around this twice */
    holding->is_started = true;
    for (size_t i = 0; i < holding->count; i++) {
        struct holder *holder = &holding->holders[i];

        int error = task_start(&holder->task, "snapshot", hold, holder);
        if (error < 0)
            become_ready(holder, NULL, error);
    }
    task_mutex_lock(&holding->mutex);
    for (size_t i = 0; i < holding->count; i++) {
        while (!holding->holders[i].is_ready)
            task_cond_wait(&holding->changed, &holding->mutex);
    }
    task_mutex_unlock(&holding->mutex);
    for (size_t i = 0; i < holding->count; i++)
        TRY(holding->holders[i].error);
    return 0;
}

/* -- The instant ------------------------------------------------------------------------------------------------- */

/* Each writer waits in its closure for the next one, and the last for the reads. That is the one place where a closure
 * waits for anything: always in the order of the services, so that no two copies wait for each other in a circle. */
static int freeze(struct sql_tx *tx, void *argument)
{
    const struct freeze *outer = argument;
    struct freeze inner = {.holding = outer->holding, .next = outer->next + 1};

    (void)tx;
    if (outer->next == outer->holding->count)
        return start_holders(outer->holding);
    return sql_write(outer->holding->holders[outer->next].instance->db, freeze, &inner);
}

static void release(struct holding *holding)
{
    task_mutex_lock(&holding->mutex);
    holding->is_released = true;
    task_cond_broadcast(&holding->changed);
    task_mutex_unlock(&holding->mutex);
    for (size_t i = 0; i < holding->count; i++)
        task_join(holding->holders[i].task);
    task_cond_destroy(&holding->changed);
    task_mutex_destroy(&holding->mutex);
}

int with_snapshots(struct call *call, snapshots_fn *function, void *argument)
{
    struct holding *holding = arena_alloc(call->arena, sizeof(*holding));
    struct snapshot *snapshots = arena_alloc_array(call->arena, HOST_SERVICES_MAX, sizeof(snapshots[0]));

    if (!holding || !snapshots)
        return ERR_NO_MEMORY;
    task_mutex_init(&holding->mutex);
    task_cond_init(&holding->changed);
    for (size_t i = 0; i < call->host->instance_count; i++) {
        if (call->host->instances[i].db)
            holding->holders[holding->count++] =
                (struct holder){.holding = holding, .instance = &call->host->instances[i]};
    }
    int result = freeze(NULL, &(struct freeze){.holding = holding});
    for (size_t i = 0; i < holding->count; i++)
        snapshots[i] = (struct snapshot){holding->holders[i].instance, holding->holders[i].tx};
    if (result >= 0)
        result = function(call, snapshots, holding->count, argument);
    release(holding);
    return result;
}
