#include "platform/ports/psp/psp_faulty.h"

#include "platform/base/task.h"
#include "platform/ports/random/random.h"

#include <stdlib.h>

struct psp_faulty {
    struct psp psp;
    struct psp *inner;
    struct task_mutex mutex;
    struct psp_faults faults;
    unsigned count;
};

enum fault { FAULT_NONE, FAULT_LOST, FAULT_TIMED_OUT, FAULT_REPEATED };

static struct psp_faulty *faulty_of(struct psp *psp)
{
    return (struct psp_faulty *)psp;
}

static enum fault choose(struct psp_faulty *faulty)
{
    TASK_LOCKED(&faulty->mutex);
    const struct psp_faults *faults = &faulty->faults;
    if (faults->count_max > 0 && faulty->count >= faults->count_max)
        return FAULT_NONE;
    uint64_t dice = random_below(100);
    enum fault fault = FAULT_NONE;
    if (dice < faults->lost_percent)
        fault = FAULT_LOST;
    else if (dice < faults->lost_percent + faults->timed_out_percent)
        fault = FAULT_TIMED_OUT;
    else if (dice < faults->lost_percent + faults->timed_out_percent + faults->repeated_percent)
        fault = FAULT_REPEATED;
    if (fault != FAULT_NONE)
        faulty->count++;
    return fault;
}

/* Runs the call as the fault has it; the call's own error passes. */
#define WITH_FAULT(faulty, call_expression)                                                                            \
    do {                                                                                                               \
        enum fault fault_ = choose(faulty);                                                                            \
        if (fault_ == FAULT_LOST)                                                                                      \
            return ERR_UNAVAILABLE;                                                                                    \
        int result_ = (call_expression);                                                                               \
        if (fault_ == FAULT_REPEATED)                                                                                  \
            result_ = (call_expression);                                                                               \
        return fault_ == FAULT_TIMED_OUT ? ERR_DEADLINE : result_;                                                     \
    } while (0)

static int faulty_create_intent(struct psp *psp, const struct psp_asker *asker, const struct psp_new_intent *intent,
                                struct str key, struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct psp_faulty *faulty = faulty_of(psp);
    WITH_FAULT(faulty, faulty->inner->create_intent(faulty->inner, asker, intent, key, ret_intent, ret_failure));
}

static int faulty_retrieve_intent(struct psp *psp, const struct psp_asker *asker, struct str id,
                                  struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct psp_faulty *faulty = faulty_of(psp);
    WITH_FAULT(faulty, faulty->inner->retrieve_intent(faulty->inner, asker, id, ret_intent, ret_failure));
}

static int faulty_capture_intent(struct psp *psp, const struct psp_asker *asker, struct str id, struct str key,
                                 struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct psp_faulty *faulty = faulty_of(psp);
    WITH_FAULT(faulty, faulty->inner->capture_intent(faulty->inner, asker, id, key, ret_intent, ret_failure));
}

static int faulty_cancel_intent(struct psp *psp, const struct psp_asker *asker, struct str id, struct str key,
                                struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct psp_faulty *faulty = faulty_of(psp);
    WITH_FAULT(faulty, faulty->inner->cancel_intent(faulty->inner, asker, id, key, ret_intent, ret_failure));
}

static int faulty_refund(struct psp *psp, const struct psp_asker *asker, const struct psp_new_refund *refund,
                         struct str key, struct psp_refund *ret_refund, struct psp_failure *ret_failure)
{
    struct psp_faulty *faulty = faulty_of(psp);
    WITH_FAULT(faulty, faulty->inner->refund(faulty->inner, asker, refund, key, ret_refund, ret_failure));
}

static int faulty_list_intents(struct psp *psp, const struct psp_asker *asker, int64_t from_ms, int64_t to_ms,
                               struct str after, struct psp_intent *ret_intents, size_t count, size_t *ret_count,
                               struct psp_failure *ret_failure)
{
    struct psp *inner = faulty_of(psp)->inner;
    return inner->list_intents(inner, asker, from_ms, to_ms, after, ret_intents, count, ret_count, ret_failure);
}

static int faulty_verify_event(struct psp *psp, struct arena *arena, struct str signature, struct str body,
                               int64_t now_ms, struct psp_event *ret_event)
{
    struct psp *inner = faulty_of(psp)->inner;
    return inner->verify_event(inner, arena, signature, body, now_ms, ret_event);
}

static void faulty_free(struct psp *psp)
{
    if (!psp)
        return;
    struct psp_faulty *faulty = faulty_of(psp);
    faulty->inner->free(faulty->inner);
    task_mutex_destroy(&faulty->mutex);
    free(faulty);
}

int psp_faulty_new(struct psp **ret_psp, struct psp *inner, const struct psp_faults *faults)
{
    struct psp_faulty *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    *faulty = (struct psp_faulty){
        .psp =
            {
                .create_intent = faulty_create_intent,
                .retrieve_intent = faulty_retrieve_intent,
                .capture_intent = faulty_capture_intent,
                .cancel_intent = faulty_cancel_intent,
                .refund = faulty_refund,
                .list_intents = faulty_list_intents,
                .verify_event = faulty_verify_event,
                .free = faulty_free,
            },
        .inner = inner,
        .faults = *faults,
    };
    task_mutex_init(&faulty->mutex);
    *ret_psp = &faulty->psp;
    return 0;
}

void psp_faulty_set(struct psp *psp, const struct psp_faults *faults)
{
    struct psp_faulty *faulty = faulty_of(psp);
    TASK_LOCKED(&faulty->mutex);
    faulty->faults = *faults;
    faulty->count = 0;
}

unsigned psp_faulty_count(struct psp *psp)
{
    struct psp_faulty *faulty = faulty_of(psp);
    TASK_LOCKED(&faulty->mutex);
    return faulty->count;
}
