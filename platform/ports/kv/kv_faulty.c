#include "platform/ports/kv/kv_faulty.h"

#include "platform/ports/kv/kv_adapter.h"

#include <stdlib.h>

struct kv_faulty {
    struct kv base;
    struct kv *inner;
    struct fault_plan *plan;
};

static struct kv *inner_of(struct kv *kv)
{
    return ((struct kv_faulty *)(void *)kv)->inner;
}

static struct fault meet(struct kv *kv, const char *call)
{
    return fault_meet(((struct kv_faulty *)(void *)kv)->plan, FAULT_KV, call);
}

static int faulty_get(struct kv *kv, struct sql_tx *tx, struct kv_key key, struct arena *arena, struct kv_row *ret_row)
{
    struct fault fault = meet(kv, "get");
    return FAULT_APPLY(fault, kv_get(inner_of(kv), tx, key, arena, ret_row));
}

static int faulty_put(struct kv *kv, struct sql_tx *tx, const struct kv_put *put, int64_t *ret_version)
{
    struct fault fault = meet(kv, "put");
    return FAULT_APPLY(fault, kv_put(inner_of(kv), tx, put, ret_version));
}

static int faulty_delete(struct kv *kv, struct sql_tx *tx, struct kv_key key, int64_t version)
{
    struct fault fault = meet(kv, "delete");
    return FAULT_APPLY(fault, kv_delete(inner_of(kv), tx, key, version));
}

static int faulty_list(struct kv *kv, struct sql_tx *tx, const struct kv_list *list, struct arena *arena,
                       struct kv_row **ret_rows, size_t *ret_count)
{
    struct fault fault = meet(kv, "list");
    return FAULT_APPLY(fault, kv_list(inner_of(kv), tx, list, arena, ret_rows, ret_count));
}

static int faulty_sweep(struct kv *kv, size_t limit, size_t *ret_count)
{
    struct fault fault = meet(kv, "sweep");
    return FAULT_APPLY(fault, kv_sweep(inner_of(kv), limit, ret_count));
}

static void faulty_free(struct kv *kv)
{
    kv_free(inner_of(kv));
    free(kv);
}

static const struct kv_adapter faulty_adapter = {
    .version = KV_ADAPTER_VERSION,
    .free = faulty_free,
    .get = faulty_get,
    .put = faulty_put,
    .delete = faulty_delete,
    .list = faulty_list,
    .sweep = faulty_sweep,
};

int kv_faulty_wrap(struct kv **kv, struct fault_plan *plan)
{
    if (!plan)
        return 0;
    struct kv_faulty *faulty = calloc(1, sizeof(*faulty));
    if (!faulty)
        return ERR_NO_MEMORY;
    *faulty = (struct kv_faulty){.base = {&faulty_adapter}, .inner = *kv, .plan = plan};
    *kv = &faulty->base;
    return 0;
}
