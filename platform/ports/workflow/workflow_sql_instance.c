/* The workflows in memory: instances with their steps, and the transitions that change them. */
#include "platform/ports/workflow/workflow_sql.h"

#include <stdlib.h>

const char *const step_kind_names[] = {"activity", "compensation", "await", "poll", "sleep", NULL};
const char *const step_state_names[] = {"pending", "done", "failed", NULL};

/* -- Steps --------------------------------------------------------------------------------------------------------- */

static struct str place(char **cursor, struct str s)
{
    if (!s.ptr)
        return STR_EMPTY;
    struct str placed = {*cursor, s.len};
    memcpy(*cursor, s.ptr, s.len);
    /* One byte more than the text, so that an empty one has an address of its own and is not taken for none. */
    *cursor += s.len + 1;
    return placed;
}

struct step *step_new(const struct step *values)
{
    const struct str texts[] = {values->name,   values->input, values->output,
                                values->signal, values->code,  values->detail};
    size_t bytes = sizeof(struct step);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        bytes += texts[i].len + 1;
    struct step *step = malloc(bytes);
    if (!step)
        return NULL;
    *step = *values;
    step->bytes = bytes;
    char *cursor = (char *)(step + 1);
    step->name = place(&cursor, values->name);
    step->input = place(&cursor, values->input);
    step->output = place(&cursor, values->output);
    step->signal = place(&cursor, values->signal);
    step->code = place(&cursor, values->code);
    step->detail = place(&cursor, values->detail);
    return step;
}

bool step_is_untried(const struct step *step)
{
    return (step->kind == STEP_ACTIVITY || step->kind == STEP_COMPENSATION) && step->state == STEP_PENDING &&
           step->attempts == 0;
}

/* -- Instances ----------------------------------------------------------------------------------------------------- */

struct instance *instance_new(struct engine *engine, struct str id)
{
    struct instance *instance = calloc(1, sizeof(*instance) + id.len);
    if (!instance)
        return NULL;
    memcpy(instance + 1, id.ptr, id.len);
    instance->id = str_from(instance + 1, id.len);
    instance->engine = engine;
    instance->heap_index = HEAP_NONE;
    instance->transition.instance = instance;
    return instance;
}

int instance_set(struct instance *instance, struct str type_name, struct str tenant, struct str traceparent,
                 struct str input, enum workflow_status status)
{
    size_t bytes = type_name.len + tenant.len + traceparent.len + input.len + 4;
    char *texts = malloc(bytes);
    if (!texts)
        return ERR_NO_MEMORY;
    free(instance->texts);
    instance->texts = texts;
    instance->type_name = place(&texts, type_name);
    instance->tenant = place(&texts, tenant);
    instance->traceparent = place(&texts, traceparent);
    instance->input = place(&texts, input);
    instance->type = engine_find_type(instance->engine, type_name);
    instance->status = status;
    instance->bytes = bytes;
    instance->loaded = true;
    return 0;
}

int instance_reserve_steps(struct instance *instance, size_t count)
{
    if (count <= instance->step_capacity)
        return 0;
    size_t capacity = instance->step_capacity ? instance->step_capacity * 2 : 8;
    if (capacity < count)
        capacity = count;
    struct step **steps = realloc(instance->steps, capacity * sizeof(struct step *));
    if (!steps)
        return ERR_NO_MEMORY;
    instance->steps = steps;
    instance->step_capacity = capacity;
    return 0;
}

void instance_unload(struct instance *instance)
{
    for (size_t i = 0; i < instance->step_count; i++)
        free(instance->steps[i]);
    free(instance->steps);
    free(instance->texts);
    instance->steps = NULL;
    instance->texts = NULL;
    instance->step_count = instance->step_capacity = 0;
    instance->type_name = instance->tenant = instance->traceparent = instance->input = STR_EMPTY;
    instance->type = NULL;
    instance->activity = NULL;
    instance->bytes = 0;
    instance->loaded = false;
}

void instance_free(struct instance *instance)
{
    if (!instance)
        return;
    transition_clear(&instance->transition);
    instance_unload(instance);
    free(instance);
}

struct step *instance_pending(const struct instance *instance)
{
    if (instance->step_count == 0)
        return NULL;
    struct step *last = instance->steps[instance->step_count - 1];
    return last->state == STEP_PENDING ? last : NULL;
}

/* -- Facts --------------------------------------------------------------------------------------------------------- */

struct fact *fact_new(int64_t seq, int error, const struct problem *problem, const ProtobufCMessage *out)
{
    struct fact *fact = calloc(1, sizeof(*fact));
    if (!fact)
        return NULL;
    fact->seq = seq;
    fact->output = BUF(WORKFLOW_PAYLOAD_BYTES_MAX);
    if (error == 0) {
        wire_to_json(out, &fact->output);
        error = buf_error(&fact->output);
        if (error < 0)
            problem_set(&fact->problem, error, "result_too_large", NULL, "The activity's result cannot be kept.");
        return fact;
    }
    if (problem->error != 0)
        fact->problem = *problem;
    else
        problem_set(&fact->problem, error, error_name(error), NULL, "The activity failed: %s.", error_name(error));
    fact->problem.error = error;
    struct str code = str_slice(str_from_cstr(fact->problem.code ? fact->problem.code : error_name(error)), 0,
                                sizeof(fact->code) - 1);
    memcpy(fact->code, code.ptr, code.len);
    fact->problem.code = fact->code;
    return fact;
}

void facts_free(struct fact *facts)
{
    while (facts) {
        struct fact *next = facts->next;
        buf_free(&facts->output);
        free(facts);
        facts = next;
    }
}

/* -- Transitions --------------------------------------------------------------------------------------------------- */

void transition_reset(struct transition *transition)
{
    for (size_t i = 0; i < transition->changed_count; i++)
        free(transition->changed[i]);
    transition->changed_count = 0;
    transition->gone = false;
    transition->activity = NULL;
    facts_free(transition->aborted);
    transition->aborted = NULL;
}

void transition_clear(struct transition *transition)
{
    transition_reset(transition);
    free(transition->changed);
    facts_free(transition->facts);
    *transition = (struct transition){.instance = transition->instance};
}

int transition_add_step(struct transition *transition, struct step *step)
{
    for (size_t i = 0; i < transition->changed_count; i++) {
        if (transition->changed[i]->seq == step->seq) {
            free(transition->changed[i]);
            transition->changed[i] = step;
            return 0;
        }
    }
    if (transition->changed_count == transition->changed_capacity) {
        size_t capacity = transition->changed_capacity ? transition->changed_capacity * 2 : 4;
        struct step **changed = realloc(transition->changed, capacity * sizeof(struct step *));
        if (!changed) {
            free(step);
            return ERR_NO_MEMORY;
        }
        transition->changed = changed;
        transition->changed_capacity = capacity;
    }
    transition->changed[transition->changed_count++] = step;
    /* The place in the history is made here, so that applying after the commit cannot fail. */
    return instance_reserve_steps(transition->instance, (size_t)step->seq + 1);
}

struct step *transition_step(const struct transition *transition, int64_t seq)
{
    for (size_t i = transition->changed_count; i > 0; i--) {
        if (transition->changed[i - 1]->seq == seq)
            return transition->changed[i - 1];
    }
    const struct instance *instance = transition->instance;
    return (size_t)seq < instance->step_count ? instance->steps[seq] : NULL;
}

void transition_apply(struct transition *transition)
{
    struct instance *instance = transition->instance;
    for (size_t i = 0; i < transition->changed_count; i++) {
        struct step *step = transition->changed[i];
        size_t seq = (size_t)step->seq;
        if (seq < instance->step_count) {
            instance->bytes -= instance->steps[seq]->bytes;
            free(instance->steps[seq]);
        } else {
            ASSERT(seq == instance->step_count);
            instance->step_count++;
        }
        instance->steps[seq] = step;
        instance->bytes += step->bytes;
    }
    transition->changed_count = 0;
    instance->status = transition->status;
    instance->activity = transition->activity;
}
