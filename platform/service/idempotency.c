#include "platform/service/idempotency.h"

#include "platform/base/hash.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/kv/kv.h"
#include "platform/service/host.h"

#include <stdlib.h>

#define SPACE STR("idempotency")
#define IN_FLIGHT_BUCKETS 1024

/* -- Keys ---------------------------------------------------------------------------------------------------------- */

static int check_key(struct call *call, struct str key)
{
    bool is_guest = call->who.user_id.len == 0;
    bool is_printable = true;

    for (size_t i = 0; i < key.len; i++)
        is_printable = is_printable && key.ptr[i] > ' ' && key.ptr[i] < 127;
    if (key.len == 0 || key.len > IDEMPOTENCY_KEY_MAX || !is_printable)
        return call_fail(call, ERR_INVALID, "invalid_idempotency_key", NULL,
                         "Idempotency-Key must be 1 to %d printable ASCII characters without spaces.",
                         IDEMPOTENCY_KEY_MAX);
    if (is_guest && key.len < IDEMPOTENCY_GUEST_KEY_MIN)
        return call_fail(call, ERR_INVALID, "weak_idempotency_key", NULL,
                         "A guest's Idempotency-Key must be random, of at least %d characters: use a UUID.",
                         IDEMPOTENCY_GUEST_KEY_MIN);
    return 0;
}

/* SHA-256 over method, target and the SHA-256 of the body. */
static int fingerprint(const struct call *call, unsigned char ret_digest[HASH_SHA256_BYTES])
{
    unsigned char body[HASH_SHA256_BYTES];

    hash_sha256(call->http->body, body);
    char *head =
        arena_printf(call->arena, "%s\n%.*s\n", http_method_name(call->http->method), STR_FORMAT(call->http->target));
    size_t head_len = head ? strlen(head) : 0;
    char *whole = head ? arena_alloc(call->arena, head_len + sizeof(body)) : NULL;
    if (!whole)
        return ERR_NO_MEMORY;
    memcpy(whole, head, head_len);
    memcpy(whole + head_len, body, sizeof(body));
    hash_sha256(str_from(whole, head_len + sizeof(body)), ret_digest);
    return 0;
}

int idempotency_begin(struct call *call, struct str key, struct idempotency *ret_idempotency)
{
    TRY(check_key(call, key));
    *ret_idempotency = (struct idempotency){.key = key};
    ret_idempotency->scope = call->who.user_id.len ? call->who.user_id : STR("guest");
    return fingerprint(call, ret_idempotency->fingerprint);
}

/* -- The record: status, fingerprint, ETag, body ------------------------------------------------------------------- */

/* A row of the kv port holds less than an answer may be long: what does not fit into the record's first row stands in
 * further ones, whose keys end in their number. (No key of a client's has a line feed in it.) */
#define PARTS_MAX 16
/* They outlive the first row by this, so that who still finds that one finds them all. */
#define PARTS_GRACE_MS (INT64_C(60) * 1000)

/* Stored as it is. (The status once had all four bytes: what was kept then reads as a record of one row.) */
struct record_head {
    uint16_t status;
    uint16_t further_parts;
    uint32_t etag_len;
    unsigned char fingerprint[32];
};

/* The key of the record's first row (part 0) or of a further one. */
static int record_key(struct call *call, const struct idempotency *idempotency, unsigned part, struct kv_key *ret_key)
{
    char *key = part == 0 ? arena_printf(call->arena, "%.*s\n%.*s", STR_FORMAT(idempotency->scope),
                                         STR_FORMAT(idempotency->key))
                          : arena_printf(call->arena, "%.*s\n%.*s\n%u", STR_FORMAT(idempotency->scope),
                                         STR_FORMAT(idempotency->key), part);

    if (!key)
        return ERR_NO_MEMORY;
    *ret_key = (struct kv_key){call->tenant, SPACE, str_from_cstr(key)};
    return 0;
}

/* The whole record: its first row, and what stands in further ones behind it. */
static int load_parts(struct call *call, struct sql_tx *tx, const struct idempotency *idempotency, struct str first,
                      unsigned further_parts, struct str *ret_record)
{
    CLEANUP(buf_free) struct buf record = BUF(PARTS_MAX * KV_VALUE_BYTES_MAX);
    struct kv_key key;
    struct kv_row row;

    buf_append(&record, first);
    for (unsigned part = 1; part <= further_parts; part++) {
        TRY(record_key(call, idempotency, part, &key));
        int result = kv_get(call->instance->kv, tx, key, call->arena, &row);
        TRY(result == ERR_NOT_FOUND ? ERR_CORRUPT : result);
        buf_append(&record, row.value);
    }
    TRY(buf_error(&record));
    *ret_record = arena_copy(call->arena, buf_str(&record));
    return ret_record->ptr ? 0 : ERR_NO_MEMORY;
}

int idempotency_find(struct call *call, struct sql_tx *tx, struct idempotency *idempotency)
{
    struct record_head head;
    struct kv_key key;
    struct kv_row row;

    TRY(record_key(call, idempotency, 0, &key));
    int result = kv_get(call->instance->kv, tx, key, call->arena, &row);
    if (result == ERR_NOT_FOUND)
        return 0;
    TRY(result);
    if (row.value.len < sizeof(head))
        return ERR_CORRUPT;
    memcpy(&head, row.value.ptr, sizeof(head));
    if (memcmp(head.fingerprint, idempotency->fingerprint, sizeof(head.fingerprint)) != 0)
        return call_fail(call, ERR_UNPROCESSABLE, "idempotency_key_reused", NULL,
                         "This Idempotency-Key was used for another request; take a new one for a new request.");
    struct str record = row.value;
    if (head.further_parts > 0)
        TRY(load_parts(call, tx, idempotency, row.value, head.further_parts, &record));
    idempotency->status = head.status;
    idempotency->etag = str_slice(record, sizeof(head), head.etag_len);
    idempotency->body = str_skip(record, sizeof(head) + head.etag_len);
    idempotency->replayed = true;
    return 0;
}

static int store_part(struct call *call, struct sql_tx *tx, const struct idempotency *idempotency, struct str record,
                      unsigned part)
{
    struct kv_put put = {.value = str_slice(record, part * KV_VALUE_BYTES_MAX, KV_VALUE_BYTES_MAX),
                         .expires_at_ms = clock_steady_ms() + IDEMPOTENCY_TTL_MS + (part > 0 ? PARTS_GRACE_MS : 0)};

    TRY(record_key(call, idempotency, part, &put.key));
    return kv_put(call->instance->kv, tx, &put, NULL);
}

int idempotency_store(struct call *call, struct sql_tx *tx, struct idempotency *idempotency)
{
    size_t size = sizeof(struct record_head) + idempotency->etag.len + idempotency->body.len;
    struct record_head head = {.status = (uint16_t)idempotency->status,
                               .further_parts = (uint16_t)((size - 1) / KV_VALUE_BYTES_MAX),
                               .etag_len = (uint32_t)idempotency->etag.len};
    CLEANUP(buf_free) struct buf record = BUF(PARTS_MAX * KV_VALUE_BYTES_MAX);

    memcpy(head.fingerprint, idempotency->fingerprint, sizeof(head.fingerprint));
    buf_append(&record, str_from(&head, sizeof(head)));
    buf_append(&record, idempotency->etag);
    buf_append(&record, idempotency->body);
    TRY(buf_error(&record));
    for (unsigned part = 0; part <= head.further_parts; part++)
        TRY(store_part(call, tx, idempotency, buf_str(&record), part));
    return 0;
}

/* -- Under way ----------------------------------------------------------------------------------------------------- */

struct in_flight_entry {
    struct in_flight_entry *next;
    uint64_t hash;
};

struct in_flight {
    struct task_mutex mutex;
    struct hash_key hash_key;
    struct in_flight_entry *buckets[IN_FLIGHT_BUCKETS];
};

struct in_flight *in_flight_new(void)
{
    struct in_flight *in_flight = calloc(1, sizeof(*in_flight));

    if (!in_flight)
        return NULL;
    task_mutex_init(&in_flight->mutex);
    in_flight->hash_key = hash_key_random();
    return in_flight;
}

void in_flight_free(struct in_flight *in_flight)
{
    if (!in_flight)
        return;
    task_mutex_destroy(&in_flight->mutex);
    free(in_flight);
}

/* A keyed hash of 64 bits stands for the whole; two that meet by chance cost one of them a "try again". */
static uint64_t flight_hash(const struct in_flight *in_flight, const struct call *call,
                            const struct idempotency *idempotency)
{
    const struct hash_key *key = &in_flight->hash_key;

    return hash_keyed(key, idempotency->key) * 31 + hash_keyed(key, idempotency->scope) * 17 +
           hash_keyed(key, call->tenant) * 7 + hash_keyed(key, str_from_cstr(call->service->name));
}

bool in_flight_enter(struct in_flight *in_flight, const struct call *call, const struct idempotency *idempotency)
{
    uint64_t hash = flight_hash(in_flight, call, idempotency);
    struct in_flight_entry *entry = arena_alloc(call->arena, sizeof(*entry));
    TASK_LOCKED(&in_flight->mutex);
    struct in_flight_entry **bucket = &in_flight->buckets[hash % IN_FLIGHT_BUCKETS];

    if (!entry)
        return false;
    for (const struct in_flight_entry *other = *bucket; other; other = other->next) {
        if (other->hash == hash)
            return false;
    }
    *entry = (struct in_flight_entry){*bucket, hash};
    *bucket = entry;
    return true;
}

void in_flight_leave(struct in_flight *in_flight, const struct call *call, const struct idempotency *idempotency)
{
    uint64_t hash = flight_hash(in_flight, call, idempotency);
    TASK_LOCKED(&in_flight->mutex);
    struct in_flight_entry **place = &in_flight->buckets[hash % IN_FLIGHT_BUCKETS];

    while (*place && (*place)->hash != hash)
        place = &(*place)->next;
    ASSERT(*place);
    *place = (*place)->next;
}
