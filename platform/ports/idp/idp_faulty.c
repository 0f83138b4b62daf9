#include "platform/ports/idp/idp_faulty.h"

#include "platform/ports/idp/idp_adapter.h"

#include <stdlib.h>

struct idp_faulty {
    struct idp base;
    struct idp *inner;
    struct fault_plan *plan;
};

static struct idp *inner_of(struct idp *idp)
{
    return ((struct idp_faulty *)(void *)idp)->inner;
}

static struct fault meet(struct idp *idp, const char *call)
{
    return fault_meet(((struct idp_faulty *)(void *)idp)->plan, FAULT_IDP, call);
}

static int faulty_enrol(struct idp *idp, struct arena *arena, struct str subject, struct str password,
                        int64_t deadline_ns, struct str *ret_credential)
{
    struct fault fault = meet(idp, "enrol");
    return FAULT_APPLY(fault, idp_enrol(inner_of(idp), arena, subject, password, deadline_ns, ret_credential));
}

static int faulty_check(struct idp *idp, struct str subject, struct str credential, struct str password,
                        int64_t deadline_ns, bool *ret_matches)
{
    struct fault fault = meet(idp, "check");
    return FAULT_APPLY(fault, idp_check(inner_of(idp), subject, credential, password, deadline_ns, ret_matches));
}

static bool faulty_is_outdated(struct idp *idp, struct str credential)
{
    return idp_is_outdated(inner_of(idp), credential);
}

static void faulty_free(struct idp *idp)
{
    idp_free(inner_of(idp));
    free(idp);
}

static const struct idp_adapter faulty_adapter = {
    .version = IDP_ADAPTER_VERSION,
    .free = faulty_free,
    .enrol = faulty_enrol,
    .check = faulty_check,
    .is_outdated = faulty_is_outdated,
};

int idp_faulty_wrap(struct idp **idp, struct fault_plan *plan)
{
    if (!plan)
        return 0;
    struct idp_faulty *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    *faulty = (struct idp_faulty){.base = {&faulty_adapter}, .inner = *idp, .plan = plan};
    *idp = &faulty->base;
    return 0;
}
