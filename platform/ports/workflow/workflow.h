/* Durable workflows.
 *
 * A workflow is a C function that is run again from the top against its recorded history: a step whose result is
 * recorded returns it; the first one that is not is scheduled, and the function returns WORKFLOW_BLOCKED through TRY. So
 * the function must be deterministic: no clock, no randomness, no I/O but by the functions here. The same function runs
 * on the embedded engine and on Temporal, whose histories say the same.
 *
 * Activities do the work: idempotent, retried with back-off until their policy ends. A compensation is registered as its
 * step succeeds; when the function ends with an error, those registered run in reverse, each until it succeeds. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/problem.h"
#include "platform/ports/sql/sql.h"

#include <protobuf-c/protobuf-c.h>

struct call;
struct workflow;

/* Not an error: what the function returns while it waits. Outside the range of err.h. */
#define WORKFLOW_BLOCKED (-1000)

struct activity {
    const char *name;
    int (*run)(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
    bool transactional;            /* runs in the write transaction that records its result: effect and record are one.
                                    * It must not block. Otherwise it runs on a worker, and may run twice. */
    unsigned attempts_max;         /* 0: until it succeeds */
    int64_t first_retry_ms;        /* doubled each time, up to ACTIVITY_RETRY_MAX_MS */
    int64_t timeout_ms;            /* of one attempt; 0: ACTIVITY_TIMEOUT_MS */
};

/* Checks the handler's types, like RPC(): ACTIVITY(reserve_stock, Orders__PlaceOrder, orders__place_order,
 * Catalog__Reservation, catalog__reservation, .attempts_max = 5) initialises a struct activity. */
#define ACTIVITY(function, in_type, in_name, out_type, out_name, ...)                                                  \
    {                                                                                                                  \
        .name = #function,                                                                                             \
        .run = _Generic(&(function), int (*)(struct call *, const in_type *, out_type *)                               \
                        : (int (*)(struct call *, const ProtobufCMessage *, ProtobufCMessage *))(void (*)(void))(      \
                            function)),                                                                                \
        .input = &in_name##__descriptor, .output = &out_name##__descriptor, __VA_ARGS__                                \
    }

struct workflow_type {
    const char *name;
    int (*run)(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out);
    const ProtobufCMessageDescriptor *input;
    const ProtobufCMessageDescriptor *output;
    const struct activity *const *activities; /* NULL-terminated: all that it may run */
};

/* -- Within a workflow's function ------------------------------------------------------------------------------------- */

/* Runs an activity and waits for its result. Its last error, when its attempts are used up or it failed for good (an
 * error that is not retriable); workflow_problem then says why. */
int workflow_run(struct workflow *w, const struct activity *activity, const ProtobufCMessage *in,
                 ProtobufCMessage *ret_out);

/* Registers what undoes the steps so far; in is copied. Its result is dropped. */
int workflow_compensate(struct workflow *w, const struct activity *activity, const ProtobufCMessage *in);

/* Forgets the compensations: past the point of no return. */
void workflow_compensations_clear(struct workflow *w);

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

struct str workflow_id(const struct workflow *w);
struct arena *workflow_arena(struct workflow *w);

/* Why the last step failed. */
const struct problem *workflow_problem(const struct workflow *w);

/* Ends the workflow with an error that compensates: return workflow_fail(w, ERR_DECLINED, "card_declined", "…"). */
int workflow_fail(struct workflow *w, int error, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
