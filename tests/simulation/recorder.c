/* A service that writes down each event of every topic, in the transaction of its offset: what a consumer sees. */
#include "platform/ports/events/events.h"
#include "tests/simulation/audit.sql.h"
#include "tests/simulation/migrations/migrations.h"
#include "tests/simulation/simulation.h"

#include <stdlib.h>

static int insert(struct sql_tx *tx, struct str id, struct str source, int64_t offset)
{
    return sql_exec(tx, &simulation_sql_record, SQL_ARGS(sql_text(id), sql_text(source), sql_int(offset)), NULL);
}

/* -- The planted bug: the effect comes after the offset ------------------------------------------------------------ */

struct late_effect {
    struct sql_db *db;
    char *id, *source;
    int64_t offset;
};

static int insert_late(struct sql_tx *tx, void *argument)
{
    const struct late_effect *late = argument;
    return insert(tx, str_from_cstr(late->id), str_from_cstr(late->source), late->offset);
}

static void write_late(void *argument)
{
    struct late_effect *late = argument;
    sql_write(late->db, insert_late, late);
}

/* strndup() would be let read on, beyond the text's end, by a sanitizer that looks for its zero. */
static char *duplicate(struct str s)
{
    char *copy = malloc(s.len + 1);
    ASSERT(copy);
    memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

static int start_late(struct call *call, const struct event *event)
{
    struct late_effect *late = calloc(1, sizeof(*late));
    struct task *task;
    ASSERT(late);
    *late = (struct late_effect){call->db, duplicate(event->id), duplicate(event->source), event->offset};
    return task_start(&task, "late-effect", write_late, late);
}

static int record(struct call *call, const struct event *event)
{
    if (simulation.plant == PLANT_EARLY_OFFSET)
        return start_late(call, event);
    return insert(call->tx, event->id, event->source, event->offset);
}

const struct service recorder_service = {
    .name = "recorder",
    .help = "records events, for the audit",
    .routes = (const struct route[]){{0}},
    .consumes =
        (const struct consumer[]){
            {.topic = "order.lifecycle", .group = "recorder", .handler = record},
            {.topic = "payment.events", .group = "recorder", .handler = record},
            {.topic = "product.events", .group = "recorder", .handler = record},
            {0},
        },
    .migrations = simulation_migrations,
    .migration_count = &simulation_migration_count,
};
