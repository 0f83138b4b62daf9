/* What an adapter of the kv port implements: kv.h's functions in the same words. kv.c has checked sizes and limits. */
#pragma once

#include "platform/ports/kv/kv.h"

#define KV_ADAPTER_VERSION 1

struct kv_adapter {
    unsigned version;
    void (*free)(struct kv *kv);
    int (*get)(struct kv *kv, struct sql_tx *tx, struct kv_key key, struct arena *arena, struct kv_row *ret_row);
    int (*put)(struct kv *kv, struct sql_tx *tx, const struct kv_put *put, int64_t *ret_version);
    int (*delete)(struct kv *kv, struct sql_tx *tx, struct kv_key key, int64_t version);
    int (*list)(struct kv *kv, struct sql_tx *tx, const struct kv_list *list, struct arena *arena,
                struct kv_row **ret_rows, size_t *ret_count);
    int (*sweep)(struct kv *kv, size_t limit, size_t *ret_count);
};

/* The first member of each adapter's own struct. */
struct kv {
    const struct kv_adapter *adapter;
};

/* Tables in the service's database, whose migrations are the list "kv" (kv_migrations). The database outlives it. */
int kv_sql_open(struct kv **ret_kv, const struct port_config *config, char ret_message[512]);
