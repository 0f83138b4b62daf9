/* One pass of a workflow's function over its history.
 *
 * Each call of the function takes the next step's number. A recorded step answers; a pending one takes the fact that
 * this pass brings (an attempt's result, a time that came, a signal); a new one is recorded as pending, and from then
 * on the pass is blocked: every further call returns WORKFLOW_BLOCKED without doing anything. Errors of the engine
 * itself (memory, disk) never reach the function, which would take them for a failure of its step: they void the
 * pass. */
#include "platform/base/backoff.h"
#include "platform/ports/workflow/workflow_sql.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* -- Ends of a pass ------------------------------------------------------------------------------------------------ */

static int block(struct pass *w)
{
    w->base.blocked = true;
    return WORKFLOW_BLOCKED;
}

static int break_pass(struct pass *w, int error)
{
    if (!w->broken)
        w->broken = error;
    return block(w);
}

static int __attribute__((format(printf, 3, 4))) get_stuck(struct pass *w, const char *code, const char *format, ...)
{
    char detail[PROBLEM_DETAIL_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    w->stuck = true;
    problem_set(&w->base.problem, ERR_CORRUPT, code, NULL, "%s", detail);
    return block(w);
}

/* -- Steps --------------------------------------------------------------------------------------------------------- */

/* The step at this position: 1 and the recorded one, 0 when it is new, WORKFLOW_BLOCKED when the pass has ended or the
 * history says that another step was here. */
static int next_step(struct pass *w, enum step_kind kind, struct str name, struct step **ret_step)
{
    if (w->base.blocked)
        return WORKFLOW_BLOCKED;
    struct step *step = transition_step(w->transition, w->position);
    if (!step) {
        if (w->position >= WORKFLOW_STEPS_MAX)
            return get_stuck(w, "too_many_steps", "It has more than %d steps.", WORKFLOW_STEPS_MAX);
        *ret_step = NULL;
        return 0;
    }
    if (step->kind != kind || !str_equal(step->name, name))
        return get_stuck(w, "nondeterministic",
                         "Step %" PRId64 " was %s \"%.*s\" when it was recorded and is %s \"%.*s\" now: the function "
                         "is not deterministic, or was changed while this workflow ran.",
                         w->position, step_kind_names[step->kind], STR_FORMAT(step->name), step_kind_names[kind],
                         STR_FORMAT(name));
    *ret_step = step;
    return 1;
}

/* Records the step as it is now. *ret_step is the kept copy. */
static int record(struct pass *w, const struct step *values, struct step **ret_step)
{
    struct step *step = step_new(values);
    if (!step)
        return break_pass(w, ERR_NO_MEMORY);
    int error = transition_add_step(w->transition, step);
    if (error < 0)
        return break_pass(w, error);
    *ret_step = step;
    return 0;
}

static struct fact *find_fact(const struct pass *w)
{
    for (struct fact *fact = w->transition->facts; fact; fact = fact->next) {
        if (fact->seq == w->position)
            return fact;
    }
    return NULL;
}

static struct str to_json(struct pass *w, const ProtobufCMessage *message, int *ret_error)
{
    CLEANUP(buf_free) struct buf json = BUF(WORKFLOW_PAYLOAD_BYTES_MAX);
    if (message)
        wire_to_json(message, &json);
    else
        buf_append_cstr(&json, "{}");
    *ret_error = buf_error(&json);
    struct str copy = arena_copy(w->base.arena, buf_str(&json));
    if (*ret_error == 0 && !copy.ptr)
        *ret_error = ERR_NO_MEMORY;
    return copy;
}

/* A recorded result that no longer fits its message would be guessed at: it parks the workflow instead. */
static int from_json(struct pass *w, struct str json, ProtobufCMessage *ret_message)
{
    if (!ret_message)
        return 0;
    struct problem problem = {0};
    int error = wire_from_json(w->base.arena, json.len ? json : STR("{}"), ret_message, &problem);
    if (error == ERR_NO_MEMORY)
        return break_pass(w, error);
    if (error < 0)
        return get_stuck(w, "unreadable", "What step %" PRId64 " recorded cannot be read as %s: %s", w->position,
                         ret_message->descriptor->name, problem.detail);
    return 0;
}

/* The recorded end of a step: its result into ret_out, or its error. Moves on to the next position. */
static int finish_step(struct pass *w, const struct step *step, ProtobufCMessage *ret_out)
{
    if (step->state == STEP_DONE) {
        int error = from_json(w, step->output, ret_out);
        if (error != 0)
            return error;
        w->position++;
        return 0;
    }
    char *code = arena_cstr(w->base.arena, step->code);
    if (!code)
        return break_pass(w, ERR_NO_MEMORY);
    problem_set(&w->base.problem, step->error, code, NULL, "%.*s", STR_FORMAT(step->detail));
    w->position++;
    return step->error;
}

/* -- Activities ---------------------------------------------------------------------------------------------------- */

static int64_t retry_delay_ms(const struct activity *activity, unsigned attempts)
{
    int64_t first_ms = activity->first_retry_ms > 0 ? activity->first_retry_ms : ACTIVITY_FIRST_RETRY_MS;
    return backoff_ms(first_ms, ACTIVITY_RETRY_MAX_MS, attempts);
}

/* Turns one attempt's result into the step's new version: done, failed for good, or due again. A compensation is never
 * given up. */
static void take_fact(struct step *step, const struct activity *activity, const struct fact *fact)
{
    int64_t now_ms = clock_steady_ms();
    step->attempts++;
    step->due_at_ms = 0;
    step->error = fact->problem.error;
    if (fact->problem.error == 0) {
        step->state = STEP_DONE;
        step->output = buf_str(&fact->output);
        step->code = step->detail = STR_EMPTY;
        step->ended_at_ms = now_ms;
        return;
    }
    step->code = str_from_cstr(fact->problem.code);
    step->detail = str_from_cstr(fact->problem.detail);
    bool last = !error_is_retriable(fact->problem.error) ||
                (activity->attempts_max > 0 && step->attempts >= activity->attempts_max);
    if (step->kind == STEP_ACTIVITY && last) {
        step->state = STEP_FAILED;
        step->ended_at_ms = now_ms;
    } else {
        step->due_at_ms = now_ms + retry_delay_ms(activity, step->attempts);
    }
}

/* Runs a transactional activity inside this pass. When it fails, what it wrote must go and so must the pass: it is run
 * again with the failure as a fact. */
static int run_in_transaction(struct pass *w, const struct activity *activity, const ProtobufCMessage *in,
                              struct step *values)
{
    if (!w->tx)
        return break_pass(w, ERR_UNAVAILABLE);
    const struct workflow_engine_config *config = &w->engine->config;
    int64_t timeout_ms = activity->timeout_ms > 0 ? activity->timeout_ms : ACTIVITY_TIMEOUT_MS;
    const char *token = arena_printf(w->base.arena, "%.*s/%" PRId64, STR_FORMAT(w->instance->id), w->position);
    ProtobufCMessage *out = wire_message_new(w->base.arena, activity->output);
    if (!token || !out)
        return break_pass(w, ERR_NO_MEMORY);
    struct activity_attempt attempt = {
        .activity = activity,
        .workflow_id = w->instance->id,
        .tenant = w->instance->tenant,
        .traceparent = w->instance->traceparent,
        .token = str_from_cstr(token),
        .attempt = values->attempts + 1,
        .deadline_ns = clock_monotonic_ns() + timeout_ms * CLOCK_NS_PER_MS,
        .tx = w->tx,
        .arena = w->base.arena,
        .in = in,
        .out = out,
    };
    struct problem problem = {0};
    int error = config->run_activity(config->context, &attempt, &problem);
    if (error == ERR_STORAGE_FULL || error == ERR_CANCELLED) /* nobody's fault: not an attempt */
        return break_pass(w, error);
    struct fact *fact = fact_new(w->position, error, &problem, out);
    if (!fact)
        return break_pass(w, ERR_NO_MEMORY);
    if (fact->problem.error != 0) {
        w->transition->aborted = fact;
        return break_pass(w, fact->problem.error);
    }
    take_fact(values, activity, fact);
    values->output = arena_copy(w->base.arena, values->output);
    facts_free(fact);
    return values->output.ptr ? 0 : break_pass(w, ERR_NO_MEMORY);
}

/* A step that has no result yet: takes the fact of this pass, runs, or is left pending. */
static int drive_activity(struct pass *w, enum step_kind kind, const struct activity *activity,
                          const ProtobufCMessage *in, struct step **step)
{
    bool is_new = !*step;
    struct step values = is_new ? (struct step){.seq = w->position,
                                                .kind = kind,
                                                .state = STEP_PENDING,
                                                .name = str_from_cstr(activity->name),
                                                .scheduled_at_ms = clock_steady_ms()}
                                : **step;
    if (is_new) {
        int error;
        values.input = to_json(w, in, &error);
        if (error < 0)
            return break_pass(w, error);
    }
    const struct fact *fact = find_fact(w);
    if (fact)
        take_fact(&values, activity, fact);
    else if (activity->transactional && (is_new || w->transition->fired || values.due_at_ms == 0))
        TRY(run_in_transaction(w, activity, in, &values));
    if (is_new || values.attempts > (*step)->attempts)
        TRY(record(w, &values, step));
    *step = transition_step(w->transition, w->position);
    if ((*step)->state != STEP_PENDING)
        return 0;
    w->transition->activity = activity;
    return block(w);
}

static int run_step(struct pass *w, enum step_kind kind, const struct activity *activity, const ProtobufCMessage *in,
                    ProtobufCMessage *ret_out)
{
    struct step *step;
    TRY(next_step(w, kind, str_from_cstr(activity->name), &step));
    if (!step || step->state == STEP_PENDING)
        TRY(drive_activity(w, kind, activity, in, &step));
    return finish_step(w, step, ret_out);
}

static int pass_run(struct workflow *base, const struct activity *activity, const ProtobufCMessage *in,
                    ProtobufCMessage *ret_out)
{
    return run_step((struct pass *)base, STEP_ACTIVITY, activity, in, ret_out);
}

static int pass_compensate(struct workflow *base, const struct activity *activity, const ProtobufCMessage *in)
{
    struct pass *w = (struct pass *)base;

    if (w->compensation_count == WORKFLOW_COMPENSATIONS_MAX)
        return get_stuck(w, "too_many_compensations", "It registered more than %d compensations.",
                         WORKFLOW_COMPENSATIONS_MAX);
    ProtobufCMessage *copy = wire_copy(w->base.arena, in);
    if (!copy)
        return break_pass(w, ERR_NO_MEMORY);
    w->compensations[w->compensation_count].activity = activity;
    w->compensations[w->compensation_count].in = copy;
    w->compensation_count++;
    return 0;
}

/* -- Waits --------------------------------------------------------------------------------------------------------- */

/* The time at which a wait that begins now ends; 0: never. */
static int64_t due_at_ms(int64_t timeout_ms)
{
    int64_t due_ms;
    if (timeout_ms < 0 || __builtin_add_overflow(clock_steady_ms(), timeout_ms, &due_ms))
        return 0;
    return due_ms;
}

/* "paid|cancelled": the name under which a wait for several is recorded. */
static struct str join_names(struct pass *w, const char *const *names, size_t count)
{
    CLEANUP(buf_free) struct buf joined = BUF(4096);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(&joined, '|');
        buf_append_cstr(&joined, names[i]);
    }
    return buf_error(&joined) ? STR_EMPTY : arena_copy(w->base.arena, buf_str(&joined));
}

static void end_wait(struct step *values, enum step_state state)
{
    values->state = state;
    values->due_at_ms = 0;
    values->ended_at_ms = clock_steady_ms();
}

/* Takes a signal that has come: 1, 0 when none has, or an error that voids the pass. */
static int take_signal(struct pass *w, const char *const *names, size_t count, size_t *ret_index,
                       struct str *ret_payload)
{
    int found = w->tx ? store_take_signal(w->tx, w->base.arena, w->instance->id, names, count, ret_index, ret_payload)
                      : ERR_UNAVAILABLE;
    return found < 0 ? break_pass(w, found) : found;
}

/* A wait without an end yet: takes a signal that has come, or times out, or is left pending. */
static int drive_await(struct pass *w, struct str name, const char *const *names, size_t count, int64_t timeout_ms,
                       struct step **step)
{
    bool is_new = !*step;
    struct step values = is_new ? (struct step){.seq = w->position,
                                                .kind = STEP_AWAIT,
                                                .name = name,
                                                .due_at_ms = due_at_ms(timeout_ms),
                                                .scheduled_at_ms = clock_steady_ms()}
                                : **step;
    size_t index;
    int found = take_signal(w, names, count, &index, &values.output);
    if (found < 0)
        return found;
    if (found) {
        values.signal = str_from_cstr(names[index]);
        end_wait(&values, STEP_DONE);
    } else if ((!is_new && w->transition->fired && values.due_at_ms != 0) || (is_new && timeout_ms == 0)) {
        values.error = ERR_DEADLINE;
        values.code = STR("timed_out");
        values.detail = STR("The time in which the signal had to come is over.");
        end_wait(&values, STEP_FAILED);
    }
    if (is_new || values.state != STEP_PENDING)
        TRY(record(w, &values, step));
    return (*step)->state == STEP_PENDING ? block(w) : 0;
}

static int pass_await_any(struct workflow *base, const char *const *names, size_t count, int64_t timeout_ms,
                          size_t *ret_index, ProtobufCMessage *const *ret_payloads)
{
    struct pass *w = (struct pass *)base;
    struct str name = join_names(w, names, count);
    if (!name.ptr)
        return break_pass(w, ERR_NO_MEMORY);
    struct step *step;
    TRY(next_step(w, STEP_AWAIT, name, &step));
    if (!step || step->state == STEP_PENDING)
        TRY(drive_await(w, name, names, count, timeout_ms, &step));
    if (step->state == STEP_FAILED)
        return finish_step(w, step, NULL);
    size_t index = 0;
    while (index < count && !str_equal_cstr(step->signal, names[index]))
        index++;
    if (index == count)
        return get_stuck(w, "nondeterministic", "Step %" PRId64 " took a signal that it no longer waits for.",
                         w->position);
    TRY(finish_step(w, step, ret_payloads ? ret_payloads[index] : NULL));
    if (ret_index)
        *ret_index = index;
    return 0;
}

static bool pass_poll(struct workflow *base, const char *signal, ProtobufCMessage *ret_payload)
{
    struct pass *w = (struct pass *)base;
    struct step *step;
    if (next_step(w, STEP_POLL, str_from_cstr(signal), &step) < 0)
        return false;
    if (!step) {
        int64_t now_ms = clock_steady_ms();
        struct step values = {.seq = w->position,
                              .kind = STEP_POLL,
                              .state = STEP_DONE,
                              .name = str_from_cstr(signal),
                              .scheduled_at_ms = now_ms,
                              .ended_at_ms = now_ms};
        size_t index;
        int found = take_signal(w, &signal, 1, &index, &values.output);
        if (found < 0)
            return false;
        values.signal = found ? values.name : STR_EMPTY;
        if (record(w, &values, &step) < 0)
            return false;
    }
    return finish_step(w, step, step->signal.ptr ? ret_payload : NULL) == 0 && step->signal.ptr;
}

static int pass_sleep(struct workflow *base, int64_t duration_ms)
{
    struct pass *w = (struct pass *)base;
    struct step *step;
    TRY(next_step(w, STEP_SLEEP, STR("sleep"), &step));
    if (!step || (step->state == STEP_PENDING && w->transition->fired)) {
        struct step values = step ? *step
                                  : (struct step){.seq = w->position,
                                                  .kind = STEP_SLEEP,
                                                  .name = STR("sleep"),
                                                  .due_at_ms = due_at_ms(duration_ms),
                                                  .scheduled_at_ms = clock_steady_ms()};
        if (step || duration_ms == 0)
            end_wait(&values, STEP_DONE);
        TRY(record(w, &values, &step));
    }
    return step->state == STEP_PENDING ? block(w) : finish_step(w, step, NULL);
}

const struct workflow_steps workflow_sql_steps = {
    .run = pass_run,
    .compensate = pass_compensate,
    .await_any = pass_await_any,
    .poll_signal = pass_poll,
    .sleep_for = pass_sleep,
};

/* -- The pass ------------------------------------------------------------------------------------------------------ */

/* Runs what was registered in reverse, each until it succeeds. 0 when all is undone. */
static int compensate(struct pass *w)
{
    while (w->compensation_count > 0) {
        size_t last = w->compensation_count - 1;
        TRY(run_step(w, STEP_COMPENSATION, w->compensations[last].activity, w->compensations[last].in, NULL));
        w->compensation_count = last;
    }
    return 0;
}

/* Called when the function returned without waiting: every recorded step must have been asked for, and only a failure
 * has compensations behind it. */
static bool history_is_used_up(struct pass *w, int error)
{
    struct step *step = transition_step(w->transition, w->position);
    if (!step || (step->kind == STEP_COMPENSATION && error != 0))
        return true;
    get_stuck(w, "nondeterministic",
              "The function ended before step %" PRId64 ", which was %s \"%.*s\" when it was recorded: it is not "
              "deterministic, or was changed while this workflow ran.",
              w->position, step_kind_names[step->kind], STR_FORMAT(step->name));
    return false;
}

static int run_function(struct pass *w, ProtobufCMessage **ret_output)
{
    const struct workflow_type *type = w->instance->type;
    if (!type)
        return get_stuck(w, "unknown_type", "This program has no workflow type \"%.*s\".",
                         STR_FORMAT(w->instance->type_name));
    ProtobufCMessage *in = wire_message_new(w->base.arena, type->input);
    ProtobufCMessage *out = wire_message_new(w->base.arena, type->output);
    if (!in || !out)
        return break_pass(w, ERR_NO_MEMORY);
    int error = from_json(w, w->instance->input, in);
    if (error == 0)
        error = type->run(&w->base, in, out);
    *ret_output = out;
    if (w->base.blocked)
        return WORKFLOW_BLOCKED;
    if (error == WORKFLOW_BLOCKED)
        return get_stuck(w, "nondeterministic", "The function returned as if it waited, and waits for nothing.");
    return history_is_used_up(w, error) ? error : WORKFLOW_BLOCKED;
}

int pass_replay(struct pass *w, ProtobufCMessage **ret_output)
{
    int error = run_function(w, ret_output);
    w->transition->status = WORKFLOW_RUNNING;
    if (error == 0) {
        w->transition->status = WORKFLOW_COMPLETED;
    } else if (error != WORKFLOW_BLOCKED) {
        if (w->base.problem.error != error)
            problem_set(&w->base.problem, error, error_name(error), NULL, "The workflow failed: %s.",
                        error_name(error));
        struct problem problem = w->base.problem;
        w->transition->status = WORKFLOW_COMPENSATING;
        if (compensate(w) == 0)
            w->transition->status = WORKFLOW_FAILED;
        if (!w->stuck)
            w->base.problem = problem;
    }
    if (w->stuck)
        w->transition->status = WORKFLOW_STUCK;
    return w->broken;
}
