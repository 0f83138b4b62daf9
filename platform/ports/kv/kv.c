/* The kv port's front: the limits that hold for every engine, and dispatch. */
#include "platform/ports/kv/kv_adapter.h"

/* One row an adapter. */
static const struct {
    struct port_scheme scheme;
    int (*open)(struct kv **ret_kv, const struct port_config *config, char ret_message[512]);
} adapters[] = {
    {{"sql"}, kv_sql_open},
    {{NULL}, NULL},
};

static int check_key(struct kv_key key)
{
    if (key.tenant.len == 0 || key.space.len == 0 || key.key.len == 0)
        return ERR_INVALID;
    return key.tenant.len + key.space.len + key.key.len > KV_KEY_BYTES_MAX ? ERR_TOO_LARGE : 0;
}

int kv_open(struct kv **ret_kv, const struct port_config *config, char ret_message[512])
{
    int row = port_find(PORT_KV, config->url, adapters, sizeof(adapters[0]), ret_message);

    TRY(row);
    TRY(adapters[row].open(ret_kv, config, ret_message));
    ASSERT((*ret_kv)->adapter->version == KV_ADAPTER_VERSION);
    return 0;
}

void kv_free(struct kv *kv)
{
    if (kv)
        kv->adapter->free(kv);
}

int kv_get(struct kv *kv, struct sql_tx *tx, struct kv_key key, struct arena *arena, struct kv_row *ret_row)
{
    TRY(check_key(key));
    return kv->adapter->get(kv, tx, key, arena, ret_row);
}

int kv_put(struct kv *kv, struct sql_tx *tx, const struct kv_put *put, int64_t *ret_version)
{
    TRY(check_key(put->key));
    if (put->value.len > KV_VALUE_BYTES_MAX || put->index.len > KV_KEY_BYTES_MAX)
        return ERR_TOO_LARGE;
    return kv->adapter->put(kv, tx, put, ret_version);
}

int kv_delete(struct kv *kv, struct sql_tx *tx, struct kv_key key, int64_t version)
{
    TRY(check_key(key));
    return kv->adapter->delete (kv, tx, key, version);
}

int kv_list(struct kv *kv, struct sql_tx *tx, const struct kv_list *list, struct arena *arena, struct kv_row **ret_rows,
            size_t *ret_count)
{
    struct kv_list bounded = *list;
    if (bounded.index.len == 0 || bounded.limit == 0)
        return ERR_INVALID;
    if (bounded.limit > KV_LIST_MAX)
        bounded.limit = KV_LIST_MAX;
    return kv->adapter->list(kv, tx, &bounded, arena, ret_rows, ret_count);
}

int kv_sweep(struct kv *kv, size_t limit, size_t *ret_count)
{
    return kv->adapter->sweep(kv, limit > KV_SWEEP_MAX ? KV_SWEEP_MAX : limit, ret_count);
}
