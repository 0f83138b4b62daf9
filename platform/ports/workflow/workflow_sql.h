/* The embedded adapter's own types; for the files workflow_sql_*.c.
 *
 * Who owns what: an instance in state WRITING belongs to its transition (the closure reads and loads its history
 * without the engine's lock), in ACTIVITY to the worker that runs its step, in WAITING to whoever holds the lock. What
 * a transition finds out is kept beside the instance until the commit, and becomes the instance's by
 * transition_apply. */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/log.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/workflow/workflow_adapter.h"
#include "platform/wire/wire.h"

enum step_kind { STEP_ACTIVITY, STEP_COMPENSATION, STEP_AWAIT, STEP_POLL, STEP_SLEEP };
enum step_state { STEP_PENDING, STEP_DONE, STEP_FAILED };

extern const char *const step_kind_names[];  /* ends with NULL */
extern const char *const step_state_names[]; /* ends with NULL */

/* One recorded step: a row of workflow_history. Its texts lie behind it in the same allocation. */
struct step {
    int64_t seq;
    enum step_kind kind;
    enum step_state state;
    unsigned attempts;
    int64_t due_at_ms; /* steady time (clock.h) of the next attempt or the time-out; 0: none */
    int error;
    struct str name, input, output, signal, code, detail; /* ptr NULL: none */
    int64_t scheduled_at_ms, ended_at_ms;
    bool stored;  /* it has a row; see store_changes */
    size_t bytes; /* of the allocation */
};

/* A copy of values in one allocation; NULL without memory. */
struct step *step_new(const struct step *values);

/* An activity that waits for its first attempt. */
bool step_is_untried(const struct step *step);

/* What came of an attempt and is not recorded yet. */
struct fact {
    struct fact *next;
    int64_t seq;
    struct problem problem; /* error 0: it succeeded */
    char code[64];          /* problem.code may point into an arena */
    struct buf output;      /* JSON */
};

struct waiter {
    struct waiter *next;
    struct task_cond ended;
    bool is_ended;
    bool is_known; /* status is */
    enum workflow_status status;
};

enum instance_state { INSTANCE_WAITING, INSTANCE_WRITING, INSTANCE_ACTIVITY };

/* One write transaction that moves an instance on; there is one at a time. */
struct transition {
    struct sql_write_job job;
    struct instance *instance;
    struct fact *facts;
    bool fired;          /* the pending step's time has come */
    unsigned failures;   /* writes that failed in a row */
    int last_error;      /* of the last that failed */
    size_t bytes_before; /* of the instance, when the write was submitted */

    /* Found by the closure; made anew each time it runs. */
    bool gone;             /* no such workflow, or it had ended: forget the instance */
    struct step **changed; /* by seq; those from instance->step_count on are new */
    size_t changed_count, changed_capacity;
    enum workflow_status status;
    const struct activity *activity;
    struct fact *aborted; /* a transactional activity failed: all is undone, and run again with this fact */
};

/* A workflow that has not ended. */
struct instance {
    struct instance *next_in_bucket;
    struct instance *next_in_queue;
    struct engine *engine;
    struct str id;
    enum instance_state state;
    bool wake;   /* a signal came while it was not waiting: look again */
    bool awaits; /* its pending step is an await */
    struct waiter *waiters;

    /* The heap of what is due. */
    int64_t due_ns;
    uint64_t due_order;
    size_t heap_index; /* HEAP_NONE when not in it */

    struct transition transition;
    bool unwritten; /* it could not be written: it is tried again at due_ns */

    /* The history; only when loaded. */
    bool loaded;
    const struct workflow_type *type; /* NULL: not one of ours */
    struct str type_name, tenant, traceparent, input;
    char *texts; /* where the four lie */
    enum workflow_status status;
    struct step **steps;
    size_t step_count, step_capacity;
    size_t bytes;
    const struct activity *activity; /* of the pending step, when that is one */
};

#define HEAP_NONE SIZE_MAX

/* A pass of the workflow's function over its history. */
struct pass {
    struct workflow base;
    struct engine *engine;
    struct instance *instance;
    struct transition *transition;
    struct sql_tx *tx; /* NULL in a first pass, which is given up where it needs one */
    int64_t position;  /* seq of the next step */
    int broken;        /* an error of ours (memory, disk): the pass is void, and is tried again */
    bool stuck;        /* base.problem says why */
    struct {
        const struct activity *activity;
        ProtobufCMessage *in;
    } compensations[WORKFLOW_COMPENSATIONS_MAX];
    size_t compensation_count;
};

/* -- workflow_sql_replay.c ----------------------------------------------------------------------------------------- */

/* The whole pass: function, then compensations or the end. Fills the transition. An error voids the pass. */
int pass_replay(struct pass *w, ProtobufCMessage **ret_output);

extern const struct workflow_steps workflow_sql_steps;

/* One attempt's result as a fact; NULL without memory. */
struct fact *fact_new(int64_t seq, int error, const struct problem *problem, const ProtobufCMessage *out);
void facts_free(struct fact *facts);

/* -- workflow_sql_store.c ------------------------------------------------------------------------------------------ */

int store_load(struct sql_tx *tx, struct instance *instance);

/* Records what a pass found. An activity that waits for its first attempt is not recorded: its row would say what the
 * function says when it is run again, and a step would cost two writes. */
int store_changes(struct sql_tx *tx, const struct transition *transition);
int store_status(struct sql_tx *tx, const struct instance *instance, enum workflow_status status, struct str output,
                 const struct problem *problem);

/* The enum workflow_status of a word of the table; ERR_CORRUPT for another. */
int store_status_of(struct str word);

/* The oldest waiting signal of one of the names: 1, or 0 when there is none. Its row is deleted: what takes it is
 * recorded in the same transaction. */
int store_take_signal(struct sql_tx *tx, struct arena *arena, struct str workflow_id, const char *const *names,
                      size_t count, size_t *ret_index, struct str *ret_payload);

/* The type of that name, or NULL. */
const struct workflow_type *engine_find_type(const struct engine *engine, struct str name);

/* -- workflow_sql_instance.c --------------------------------------------------------------------------------------- */

struct instance *instance_new(struct engine *engine, struct str id);
void instance_free(struct instance *instance);

/* Fills in what lies in the row; ERR_NO_MEMORY. */
int instance_set(struct instance *instance, struct str type_name, struct str tenant, struct str traceparent,
                 struct str input, enum workflow_status status);
int instance_reserve_steps(struct instance *instance, size_t count);

/* Drops the history; it is loaded again by the next transition. */
void instance_unload(struct instance *instance);

/* The step that waits for its result, or NULL. */
struct step *instance_pending(const struct instance *instance);

/* Forgets what the last run of the closure found. */
void transition_reset(struct transition *transition);

/* Forgets all. */
void transition_clear(struct transition *transition);

/* Keeps the step as the newest version of its seq; takes it over. ERR_NO_MEMORY. */
int transition_add_step(struct transition *transition, struct step *step);

/* The step of that seq, as changed by the pass or as recorded; NULL when there is none. */
struct step *transition_step(const struct transition *transition, int64_t seq);

/* Makes the committed changes the instance's. */
void transition_apply(struct transition *transition);

struct engine {
    struct workflow_engine base;
    struct workflow_engine_config config;
    struct task_mutex mutex;
    struct task_cond work;    /* the queue has something, or stopping */
    struct task_cond timer;   /* the heap's first changed, or stopping */
    struct task_cond settled; /* under_way has become 0 */
    bool running, stopping;
    size_t under_way; /* instances that write, or queue for or run an activity */

    struct instance **buckets;
    size_t bucket_count, instance_count;
    size_t promised; /* instances of transactions that have not ended, for which there is room in buckets and heap */
    size_t cached_bytes;
    struct instance **heap;
    size_t heap_count, heap_capacity;
    uint64_t due_order;
    struct instance *queue_first, *queue_last;

    struct task **workers;
    unsigned worker_started;
    struct task *timer_task;
    struct workflow_stats stats;
};

/* -- workflow_sql_transition.c ------------------------------------------------------------------------------------- */

/* Takes a waiting instance out of the wait; the caller submits it after the lock. fired: its step's time has come. */
struct instance *engine_begin(struct engine *engine, struct instance *instance, bool fired);

/* Writes the transition of an instance in state WRITING. Without the lock: a full queue calls done at once. */
void engine_submit(struct instance *instance);

/* The same for a workflow that has just been started, whose first activity needs no write to be handed on. */
void engine_submit_first(struct instance *instance);

/* The monotonic time at which a step's steady time comes: an activity's next attempt, or the end of a wait. */
int64_t engine_due_ns(bool is_activity, int64_t due_at_ms, int64_t scheduled_at_ms);

/* The rest under the lock. Gives an instance back that was under way. */
void engine_set_idle(struct instance *instance);

/* Hands the pending activity to the workers. */
void engine_queue_activity(struct engine *engine, struct instance *instance);

/* Tells those who wait for its end; known says whether status is one. */
void engine_tell_waiters(struct instance *instance, bool known, enum workflow_status status);

/* -- workflow_sql_engine.c ----------------------------------------------------------------------------------------- */

/* Room for one more instance, which engine_adopt or engine_break_promise gives up: what is committed must not fail to
 * be taken up for want of memory. ERR_NO_MEMORY; ERR_UNAVAILABLE when the engine is full. Takes the lock. */
int engine_promise(struct engine *engine);
void engine_break_promise(struct engine *engine);

/* Commit hooks' doors; they take the lock. engine_adopt takes over the instance, for which there was a promise. */
void engine_adopt(struct engine *engine, struct instance *instance);
void engine_wake(struct engine *engine, struct str id);

/* -- workflow_sql_queue.c: under the engine's lock ----------------------------------------------------------------- */

struct instance *engine_find(const struct engine *engine, struct str id);
int engine_insert(struct engine *engine, struct instance *instance);
void engine_remove(struct engine *engine, struct instance *instance);
void heap_remove(struct engine *engine, struct instance *instance);

/* Puts the instance into the heap, or moves it there. Room was made when it was inserted. */
void heap_put(struct engine *engine, struct instance *instance, int64_t due_ns);

/* -- workflow_sql_client.c: the adapter's functions ---------------------------------------------------------------- */

int engine_start_workflow(struct workflow_engine *base, struct sql_tx *tx, const struct workflow_start *start);
int engine_signal(struct workflow_engine *base, struct sql_tx *tx, struct str id, const char *name,
                  const ProtobufCMessage *payload);
int engine_resume(struct workflow_engine *base, struct sql_tx *tx, struct str id);

/* -- workflow_sql_look.c: the adapter's functions ------------------------------------------------------------------ */

int engine_list(struct workflow_engine *base, struct sql_tx *tx, struct arena *arena, struct str status,
                struct str after_id, size_t limit, struct workflow_row **ret_rows, size_t *ret_count);
int engine_show(struct workflow_engine *base, struct sql_tx *tx, struct arena *arena, struct str id,
                struct workflow_row *ret_row, struct workflow_step_row **ret_steps, size_t *ret_count);
int engine_purge(struct workflow_engine *base, struct sql_tx *tx, int64_t ended_before_ms, int64_t *ret_deleted);
