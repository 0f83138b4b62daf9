#include "platform/ports/psp/psp_faulty.h"

#include <stdlib.h>

struct psp_faulty {
    struct psp base;
    struct psp *inner;
    struct fault_plan *plan;
};

static struct psp *inner_of(struct psp *psp)
{
    return ((struct psp_faulty *)psp)->inner;
}

static struct fault meet(struct psp *psp, const char *call)
{
    return fault_meet(((struct psp_faulty *)psp)->plan, FAULT_PSP, call);
}

static int faulty_create_intent(struct psp *psp, const struct psp_asker *asker, const struct psp_new_intent *intent,
                                struct str key, struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct psp *inner = inner_of(psp);
    struct fault fault = meet(psp, "create_intent");
    return FAULT_APPLY(fault, inner->create_intent(inner, asker, intent, key, ret_intent, ret_failure));
}

static int faulty_retrieve_intent(struct psp *psp, const struct psp_asker *asker, struct str id,
                                  struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct psp *inner = inner_of(psp);
    struct fault fault = meet(psp, "retrieve_intent");
    return FAULT_APPLY(fault, inner->retrieve_intent(inner, asker, id, ret_intent, ret_failure));
}

static int faulty_capture_intent(struct psp *psp, const struct psp_asker *asker, struct str id, struct str key,
                                 struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct psp *inner = inner_of(psp);
    struct fault fault = meet(psp, "capture_intent");
    return FAULT_APPLY(fault, inner->capture_intent(inner, asker, id, key, ret_intent, ret_failure));
}

static int faulty_cancel_intent(struct psp *psp, const struct psp_asker *asker, struct str id, struct str key,
                                struct psp_intent *ret_intent, struct psp_failure *ret_failure)
{
    struct psp *inner = inner_of(psp);
    struct fault fault = meet(psp, "cancel_intent");
    return FAULT_APPLY(fault, inner->cancel_intent(inner, asker, id, key, ret_intent, ret_failure));
}

static int faulty_refund(struct psp *psp, const struct psp_asker *asker, const struct psp_new_refund *refund,
                         struct str key, struct psp_refund *ret_refund, struct psp_failure *ret_failure)
{
    struct psp *inner = inner_of(psp);
    struct fault fault = meet(psp, "refund");
    return FAULT_APPLY(fault, inner->refund(inner, asker, refund, key, ret_refund, ret_failure));
}

static int faulty_list_intents(struct psp *psp, const struct psp_asker *asker, int64_t from_ms, int64_t to_ms,
                               struct str after, struct psp_intent *ret_intents, size_t count, size_t *ret_count,
                               struct psp_failure *ret_failure)
{
    struct psp *inner = inner_of(psp);
    struct fault fault = meet(psp, "list_intents");
    return FAULT_APPLY(
        fault, inner->list_intents(inner, asker, from_ms, to_ms, after, ret_intents, count, ret_count, ret_failure));
}

static int faulty_list_refunds(struct psp *psp, const struct psp_asker *asker, struct str intent_id, int64_t from_ms,
                               int64_t to_ms, struct str after, struct psp_refund *ret_refunds, size_t count,
                               size_t *ret_count, struct psp_failure *ret_failure)
{
    struct psp *inner = inner_of(psp);
    struct fault fault = meet(psp, "list_refunds");
    return FAULT_APPLY(fault, inner->list_refunds(inner, asker, intent_id, from_ms, to_ms, after, ret_refunds, count,
                                                  ret_count, ret_failure));
}

static int faulty_verify_event(struct psp *psp, struct arena *arena, struct str signature, struct str body,
                               int64_t now_ms, struct psp_event *ret_event)
{
    struct psp *inner = inner_of(psp);
    return inner->verify_event(inner, arena, signature, body, now_ms, ret_event);
}

static void faulty_free(struct psp *psp)
{
    struct psp *inner = inner_of(psp);
    inner->free(inner);
    free(psp);
}

int psp_faulty_wrap(struct psp **psp, struct fault_plan *plan)
{
    if (!plan)
        return 0;
    struct psp_faulty *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    *faulty = (struct psp_faulty){
        .base =
            {
                .create_intent = faulty_create_intent,
                .retrieve_intent = faulty_retrieve_intent,
                .capture_intent = faulty_capture_intent,
                .cancel_intent = faulty_cancel_intent,
                .refund = faulty_refund,
                .list_intents = faulty_list_intents,
                .list_refunds = faulty_list_refunds,
                .verify_event = faulty_verify_event,
                .free = faulty_free,
            },
        .inner = *psp,
        .plan = plan,
    };
    *psp = &faulty->base;
    return 0;
}
