/* What an adapter of the workflow port implements: workflow.h's functions in the same words. workflow.c has checked the
 * limits.
 *
 * An engine and a pass of a workflow's function are the adapter's own structs; each begins with what the port knows of
 * it. Two structs of functions, as two parties use them: the process that drives an engine, and the workflow's function
 * that asks for its next step. */
#pragma once

#include "platform/ports/workflow/workflow.h"

#define WORKFLOW_ADAPTER_VERSION 1

struct workflow_adapter {
    unsigned version;

    /* The engine's life: workflow_engine_start and so on. */
    int (*run)(struct workflow_engine *engine);
    void (*stop)(struct workflow_engine *engine);
    void (*free)(struct workflow_engine *engine);
    bool (*settle)(struct workflow_engine *engine, int64_t deadline_ns);
    void (*get_stats)(struct workflow_engine *engine, struct workflow_stats *ret_stats);

    /* From outside. */
    int (*start)(struct workflow_engine *engine, struct sql_tx *tx, const struct workflow_start *start);
    int (*signal)(struct workflow_engine *engine, struct sql_tx *tx, struct str id, const char *name,
                  const ProtobufCMessage *payload);
    int (*resume)(struct workflow_engine *engine, struct sql_tx *tx, struct str id);
    int (*wait)(struct workflow_engine *engine, struct str id, int64_t deadline_ns, enum workflow_status *ret_status);

    /* For people, and what ended long ago. */
    int (*purge)(struct workflow_engine *engine, struct sql_tx *tx, int64_t ended_before_ms, int64_t *ret_deleted);
    int (*list)(struct workflow_engine *engine, struct sql_tx *tx, struct arena *arena, struct str status,
                struct str after_id, size_t limit, struct workflow_row **ret_rows, size_t *ret_count);
    int (*show)(struct workflow_engine *engine, struct sql_tx *tx, struct arena *arena, struct str id,
                struct workflow_row *ret_row, struct workflow_step_row **ret_steps, size_t *ret_count);
};

/* The first member of an adapter's own engine. */
struct workflow_engine {
    const struct workflow_adapter *adapter;
};

/* What a workflow's function asks for; never called once the pass is blocked. */
struct workflow_steps {
    int (*run)(struct workflow *w, const struct activity *activity, const ProtobufCMessage *in,
               ProtobufCMessage *ret_out);
    int (*compensate)(struct workflow *w, const struct activity *activity, const ProtobufCMessage *in);
    int (*await_any)(struct workflow *w, const char *const *names, size_t count, int64_t timeout_ms, size_t *ret_index,
                     ProtobufCMessage *const *ret_payloads);
    bool (*poll_signal)(struct workflow *w, const char *signal, ProtobufCMessage *ret_payload);
    int (*sleep_for)(struct workflow *w, int64_t duration_ms);
};

/* The first member of an adapter's own pass of a workflow's function. */
struct workflow {
    const struct workflow_steps *steps;
    struct arena *arena;
    bool blocked;           /* the function has nothing more to do in this pass: each step answers WORKFLOW_BLOCKED */
    struct problem problem; /* of the last failed step */
};

/* The adapter with tables in the service's database, whose migrations are the list "workflow" (workflow_migrations). */
int workflow_sql_open(struct workflow_engine **ret_engine, const struct workflow_engine_config *config,
                      char ret_message[512]);
