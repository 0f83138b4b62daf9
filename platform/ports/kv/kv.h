/* The kv port: rows found by their key, with a version and an expiry. For sessions, carts, blocked tokens and
 * idempotency keys.
 *
 * A key is (tenant, space, key); the space says whose rows they are ("session"). A row may carry one index key, by
 * which its space is listed. A row whose time is up is gone for everybody at once; kv_sweep removes what is left of it.
 *
 * On the sql adapter a call joins the transaction tx, so that a row commits with its effect; tx NULL is a transaction
 * of its own. An engine that is not SQL ignores tx: there the call is a write of its own, and the caller's transaction
 * must not depend on it being undone. Expiry is by the steady clock (clock.h): it holds over restarts, and a step of
 * the wall clock ends nothing early. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/err.h"
#include "platform/base/str.h"
#include "platform/ports/sql/sql.h"

/* What every engine takes (DynamoDB: 400 KB a row, 2 KB a key). */
#define KV_VALUE_BYTES_MAX ((size_t)384 << 10)
#define KV_KEY_BYTES_MAX 512
#define KV_LIST_MAX 1000
#define KV_SWEEP_MAX 1000

struct kv;

struct kv_key {
    struct str tenant;
    struct str space;
    struct str key;
};

struct kv_row {
    struct str key;
    struct str value;
    struct str index;      /* empty: none */
    int64_t version;       /* grows with each put; not used again by a later row of the same key */
    int64_t expires_at_ms; /* 0: never */
};

enum kv_condition { KV_ALWAYS, KV_IF_ABSENT, KV_IF_VERSION };

struct kv_put {
    struct kv_key key;
    struct str value;
    struct str index;
    int64_t expires_at_ms; /* of clock_steady_ms, and a while; 0: never */
    enum kv_condition condition;
    int64_t version; /* for KV_IF_VERSION */
};

/* Opens the adapter that the URL's scheme names. ERR_INVALID with a ret_message: there is none, or the URL is not as it
 * wants it; ERR_NO_MEMORY. */
int kv_open(struct kv **ret_kv, const struct port_config *config, char ret_message[512]);
void kv_free(struct kv *kv);

/* ERR_NOT_FOUND. The row's views lie in the arena. */
int kv_get(struct kv *kv, struct sql_tx *tx, struct kv_key key, struct arena *arena, struct kv_row *ret_row);

/* ERR_CONFLICT: KV_IF_ABSENT, and there is one. ERR_STALE: KV_IF_VERSION, and it is another, or gone. ERR_TOO_LARGE.
 * ret_version may be NULL. */
int kv_put(struct kv *kv, struct sql_tx *tx, const struct kv_put *put, int64_t *ret_version);

/* version 0 deletes whatever is there; otherwise ERR_STALE when it is another. 0 when there was none. */
int kv_delete(struct kv *kv, struct sql_tx *tx, struct kv_key key, int64_t version);

/* The rows of a space with this index key, ordered by key, those after `after` (empty: from the start), at most limit
 * (and KV_LIST_MAX). The last row's key is the next page's after. */
struct kv_list {
    struct str tenant;
    struct str space;
    struct str index;
    struct str after;
    size_t limit;
};
int kv_list(struct kv *kv, struct sql_tx *tx, const struct kv_list *list, struct arena *arena, struct kv_row **ret_rows,
            size_t *ret_count);

/* Deletes at most limit (and KV_SWEEP_MAX) rows whose time is up; for a job, which goes on while it gets limit. */
int kv_sweep(struct kv *kv, size_t limit, size_t *ret_count);
