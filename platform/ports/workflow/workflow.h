/* Durable workflows.
 *
 * A workflow is a C function that is run again from the top against its recorded history: a step whose result is
 * recorded returns it; the first one that is not is scheduled, and the function returns WORKFLOW_BLOCKED through TRY.
 * So the function must be deterministic: no clock, no randomness, no I/O but by the functions here. The same function
 * runs on the embedded engine and on Temporal, whose histories say the same.
 *
 * Activities do the work: idempotent, retried with back-off until their policy ends. A compensation is registered as
 * its step succeeds; when the function ends with an error, those registered run in reverse, each until it succeeds. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/problem.h"
#include "platform/ports/port.h"
#include "platform/ports/sql/sql.h"

#include <protobuf-c/protobuf-c.h>

struct call;
struct workflow;

/* Not an error: what the function returns while it waits. Outside the range of err.h. */
#define WORKFLOW_BLOCKED (-1000)

/* For the waits: as long as it takes. */
#define WORKFLOW_NO_TIMEOUT INT64_C(-1)

#define ACTIVITY_TIMEOUT_MS INT64_C(30000)   /* of one attempt, where the activity names none */
#define ACTIVITY_FIRST_RETRY_MS INT64_C(100) /* the first delay, where the activity names none */
#define ACTIVITY_RETRY_MAX_MS INT64_C(30000) /* delays grow up to here */
#define WORKFLOW_ID_MAX 200                  /* bytes */
#define WORKFLOW_STEPS_MAX 10000             /* of one workflow; parked as stuck past it */
#define WORKFLOW_COMPENSATIONS_MAX 64
#define WORKFLOW_AWAIT_ANY_MAX 8
#define WORKFLOW_PAYLOAD_BYTES_MAX ((size_t)1 << 20)

struct activity {
    const char *name;
    int (*run)(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
    bool transactional;     /* runs in the write transaction that records its result: effect and record are one.
                             * It must not block. Otherwise it runs on a worker, and may run twice. */
    unsigned attempts_max;  /* 0: until it succeeds */
    int64_t first_retry_ms; /* doubled each time, up to ACTIVITY_RETRY_MAX_MS */
    int64_t timeout_ms;     /* of one attempt; 0: ACTIVITY_TIMEOUT_MS */
};

/* Checks the handler's types, like RPC(): ACTIVITY(reserve_stock, Orders__PlaceOrder, orders__place_order,
 * Catalog__Reservation, catalog__reservation, .attempts_max = 5) initialises a struct activity. */
#define ACTIVITY(function, in_type, in_name, out_type, out_name, ...)                                                  \
    {                                                                                                                  \
        .name = #function,                                                                                             \
        .run = _Generic(                                                                                               \
            &(function), int (*)(struct call *, const in_type *, out_type *)                                           \
            : (int (*)(struct call *, const ProtobufCMessage *, ProtobufCMessage *))(void (*)(void))(function)),       \
        .input = &in_name##__descriptor, .output = &out_name##__descriptor, __VA_ARGS__                                \
    }

struct workflow_type {
    const char *name;
    int (*run)(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out);
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
    const struct activity *const *activities; /* NULL-terminated: all that it may run; for documents */
};

/* -- Within a workflow's function ---------------------------------------------------------------------------------- */

/* Runs an activity and waits for its result. Its last error, when its attempts are used up or it failed for good (an
 * error that is not retriable); workflow_problem then says why. */
int workflow_run(struct workflow *w, const struct activity *activity, const ProtobufCMessage *in,
                 ProtobufCMessage *ret_out);

/* Registers what undoes the steps so far; in is copied. Its result is dropped. */
int workflow_compensate(struct workflow *w, const struct activity *activity, const ProtobufCMessage *in);

/* Waits for the next signal of that name, at most timeout_ms after this wait began: ERR_DEADLINE then. ret_payload may
 * be NULL. Signals are kept until they are asked for. */
int workflow_await(struct workflow *w, const char *signal, int64_t timeout_ms, ProtobufCMessage *ret_payload);

/* Waits for whichever of the signals comes first (names is NULL-terminated); *ret_index says which; ret_payloads[i]
 * receives it. */
int workflow_await_any(struct workflow *w, const char *const *names, int64_t timeout_ms, size_t *ret_index,
                       ProtobufCMessage *const *ret_payloads);

/* Whether a signal of that name has arrived and was not yet taken; takes it. */
bool workflow_poll(struct workflow *w, const char *signal, ProtobufCMessage *ret_payload);

int workflow_sleep(struct workflow *w, int64_t duration_ms);

/* Why the last step failed. */
const struct problem *workflow_problem(const struct workflow *w);

/* Ends the workflow with an error that compensates: return workflow_fail(w, ERR_DECLINED, "card_declined", "…"). */
int workflow_fail(struct workflow *w, int error, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* -- From outside: starting and signalling, in the caller's write transaction -------------------------------------- */

struct workflow_engine;

struct workflow_start {
    const struct workflow_type *type; /* one of the engine's */
    struct str id;                    /* unique in the database; 1 to WORKFLOW_ID_MAX bytes */
    struct str tenant;
    struct str traceparent; /* handed to every activity; may be empty */
    const ProtobufCMessage *input;
};

/* Starts a workflow: it exists when the transaction commits, and runs from then on. ERR_CONFLICT when there is or was
 * one of that id; ERR_INVALID for a bad id; ERR_UNAVAILABLE when the engine is full. */
int workflow_start(struct workflow_engine *engine, struct sql_tx *tx, const struct workflow_start *start);

/* Sends a signal. payload may be NULL (an empty message). ERR_NOT_FOUND when the workflow never was or has ended;
 * ERR_CONFLICT when 1,000 wait in it already (a constraint of the table). */
int workflow_signal(struct workflow_engine *engine, struct sql_tx *tx, struct str id, const char *name,
                    const ProtobufCMessage *payload);

/* Lets a workflow that was parked as stuck try again, after the program was mended. ERR_NOT_FOUND when it is not
 * stuck. */
int workflow_resume(struct workflow_engine *engine, struct sql_tx *tx, struct str id);

enum workflow_status {
    WORKFLOW_RUNNING,
    WORKFLOW_COMPENSATING, /* its function failed, and what it did is being undone */
    WORKFLOW_COMPLETED,
    WORKFLOW_FAILED, /* its function failed, and nothing of it remains */
    WORKFLOW_STUCK,  /* parked: its history and its function disagree; a person must look */
};

/* "running" and so on; a static string. */
const char *workflow_status_name(enum workflow_status status);

/* Blocks until the workflow has ended or is stuck, at most until the deadline (of clock_monotonic_ns). *ret_status is
 * how it stands then. ERR_NOT_FOUND when there never was one. Not for use inside a transaction. */
int workflow_wait(struct workflow_engine *engine, struct str id, int64_t deadline_ns, enum workflow_status *ret_status);

/* -- The engine of one database ------------------------------------------------------------------------------------ */

/* One attempt of one activity. */
struct activity_attempt {
    const struct activity *activity;
    struct str workflow_id;
    struct str tenant;
    struct str traceparent;
    struct str token;    /* "<workflow_id>/<step>": the same for every attempt, so the key for idempotency */
    unsigned attempt;    /* from 1 */
    int64_t deadline_ns; /* of clock_monotonic_ns */
    struct sql_tx *tx;   /* of a transactional activity; else NULL */
    struct arena *arena; /* the attempt's */
    const ProtobufCMessage *in;
    ProtobufCMessage *out; /* initialised */
};

/* Runs an attempt: on a worker task, or in the transaction that records it. 0, or an error with *ret_problem set
 * (left alone, it gets a general text). Not counted as an attempt: ERR_CANCELLED while the engine stops, and from a
 * transactional one ERR_STORAGE_FULL and ERR_CANCELLED. */
typedef int activity_runner(void *context, const struct activity_attempt *attempt, struct problem *ret_problem);

struct workflow_engine_config {
    const char *url;                          /* SHOPSTREAM_WORKFLOW_URL; its scheme picks the adapter */
    struct sql_db *db;                        /* with workflow_migrations applied */
    const struct workflow_type *const *types; /* NULL-terminated */
    activity_runner *run_activity;
    void *context;
    unsigned worker_count;   /* tasks that run activities (they may block); 0: 8 */
    size_t running_max;      /* workflows that have not ended; 0: 1,000,000 */
    size_t cached_bytes_max; /* histories kept in memory; 0: 32 MiB. Others are read again */
};

/* ERR_INVALID for a URL that no adapter knows, with a ret_message; ERR_NO_MEMORY. */
int workflow_engine_open(struct workflow_engine **ret_engine, const struct workflow_engine_config *config,
                         char ret_message[512]);

/* Finds what had not ended, and starts the tasks. Workflows may be started and signalled from then on. */
int workflow_engine_start(struct workflow_engine *engine);

/* Takes no more steps, waits for the activities and writes that are under way, and ends the tasks. What has not ended
 * goes on at the next start. */
void workflow_engine_stop(struct workflow_engine *engine);

/* After stop, and after the last transaction that used the engine. NULL is fine. */
void workflow_engine_free(struct workflow_engine *engine);

/* Waits until every workflow has ended or waits for a signal or a time; false when the deadline came first. */
bool workflow_engine_settle(struct workflow_engine *engine, int64_t deadline_ns);

struct workflow_stats {
    uint64_t started;
    uint64_t completed;
    uint64_t failed;
    uint64_t stuck;
    uint64_t transitions; /* write transactions that moved a workflow on */
    uint64_t attempts;    /* of activities */
    uint64_t running;     /* now */
};
void workflow_get_stats(struct workflow_engine *engine, struct workflow_stats *ret_stats);

/* -- What ended long ago ------------------------------------------------------------------------------------------- */

/* Deletes up to WORKFLOW_PURGE_MAX workflows that completed or failed before that wall time, with their histories, in
 * the running write transaction. An id may be started again from then on: so only ids that are not used twice, or whose
 * workflow does no harm when run again, may be purged by time. What is stuck stays for a person. */
#define WORKFLOW_PURGE_MAX 200
int workflow_purge(struct workflow_engine *engine, struct sql_tx *tx, int64_t ended_before_ms, int64_t *ret_deleted);

/* -- For people: shopstream workflow list | show ------------------------------------------------------------------- */

struct workflow_row {
    struct str id, type, tenant, status;
    int error; /* of a failed, compensating or stuck one; else 0 */
    struct str code, detail;
    int64_t created_at_ms, updated_at_ms;
    struct str step;        /* what it waits for; empty when it has ended, or an activity is tried for the first time */
    unsigned attempts;      /* of that step */
    int64_t due_at_ms;      /* when that step is tried again or times out; 0 without */
    struct str step_detail; /* why the step's last attempt failed */
    struct str input, output; /* JSON; workflow_show only */
};

struct workflow_step_row {
    int64_t seq;
    struct str kind, name, state; /* "activity", "reserve_stock", "done" */
    unsigned attempts;
    int64_t due_at_ms;
    struct str input, output; /* JSON; empty without */
    struct str signal;        /* the one that an await or a poll took */
    int error;
    struct str code, detail;
    int64_t scheduled_at_ms, ended_at_ms; /* 0: not yet */
};

/* By id, those after after_id; status is empty for all, limit at most WORKFLOW_LIST_MAX. Rows lie in the arena. */
#define WORKFLOW_LIST_MAX 1000
int workflow_list(struct workflow_engine *engine, struct sql_tx *tx, struct arena *arena, struct str status,
                  struct str after_id, size_t limit, struct workflow_row **ret_rows, size_t *ret_count);

/* One workflow with its history. ERR_NOT_FOUND. */
int workflow_show(struct workflow_engine *engine, struct sql_tx *tx, struct arena *arena, struct str id,
                  struct workflow_row *ret_row, struct workflow_step_row **ret_steps, size_t *ret_count);
