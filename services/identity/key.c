/* The keys that sign access tokens. They are made here, kept in identity's database, and never leave the process but as
 * the public halves in the JWKS document.
 *
 * A new key is published for KEY_LEAD_MS before it signs, so that those who cache the document know it in time; the one
 * before it verifies until its last token has expired. */
#include "services/identity/identity.h"

#define KEY_ROTATION_MS (INT64_C(30) * 24 * 3600 * 1000)
#define KEY_LEAD_MS (INT64_C(3600) * 1000)
#define KEY_AFTERLIFE_MS ((TOKEN_LIFETIME_S + TOKEN_LEEWAY_S) * INT64_C(1000) * 2)
#define PEM_BYTES_MAX 8192

struct stored_key {
    struct str kid, pem;
    int64_t signs_from_ms;
};

struct stored_keys {
    struct call *call;
    struct stored_key list[TOKEN_KEYS_MAX];
    size_t count;
};

/* The oldest first. */
static int read_keys(struct sql_tx *tx, void *argument)
{
    struct stored_keys *keys = argument;
    struct arena *arena = keys->call->arena;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int row;
    keys->count = 0;
    TRY(sql_query(tx, &identity_sql_list_signing_keys, SQL_ARGS(sql_int(TOKEN_KEYS_MAX)), &rows));
    while ((row = sql_next(rows)) > 0 && keys->count < TOKEN_KEYS_MAX) {
        struct stored_key *key = &keys->list[keys->count++];
        key->kid = arena_copy(arena, sql_get_text(rows, 0));
        key->pem = arena_copy(arena, sql_get_text(rows, 1));
        key->signs_from_ms = sql_get_int(rows, 2);
        if (!key->kid.ptr || !key->pem.ptr)
            return ERR_NO_MEMORY;
    }
    return row < 0 ? row : 0;
}

/* The private keys lie in the call's arena until it is reset: wiped as soon as the ring has them. */
static void wipe_keys(struct stored_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->list[i].pem.ptr)
            explicit_bzero((char *)(uintptr_t)keys->list[i].pem.ptr, keys->list[i].pem.len);
}

struct new_key {
    char kid[TOKEN_KID_BYTES];
    struct str pem;
    int64_t signs_from_ms;
};

static int insert_key(struct sql_tx *tx, void *argument)
{
    struct new_key *key = argument;
    return sql_exec(tx, &identity_sql_insert_signing_key,
                    SQL_ARGS(sql_cstr(key->kid), sql_text(key->pem), sql_int(key->signs_from_ms)), NULL);
}

static int make_key(struct call *call, int64_t signs_from_ms)
{
    struct new_key key = {.signs_from_ms = signs_from_ms};
    struct buf pem = BUF(PEM_BYTES_MAX);
    int result = token_key_generate(&pem);
    if (result == 0)
        result = token_ring_add_private(call->host->tokens, buf_str(&pem), key.kid);
    if (result == 0) {
        key.pem = buf_str(&pem);
        result = call_write(call, insert_key, &key);
    }
    if (pem.ptr)
        explicit_bzero(pem.ptr, pem.len);
    buf_free(&pem);
    if (result == 0)
        log_info(&call->log, "signing key made", LOG_CSTR("kid", key.kid));
    return result;
}

static int delete_key(struct sql_tx *tx, void *argument)
{
    const struct stored_key *key = argument;
    return sql_exec(tx, &identity_sql_delete_signing_key, SQL_ARGS(sql_text(key->kid)), NULL);
}

/* The newest key whose time has come signs. A key is done when its successor has signed for KEY_AFTERLIFE_MS. */
static int fill_ring(struct call *call, struct stored_keys *keys, int64_t now_ms)
{
    struct token_ring *ring = call->host->tokens;
    size_t signer = 0;
    for (size_t i = 0; i < keys->count; i++) {
        int result = token_ring_add_private(ring, keys->list[i].pem, NULL);
        if (result < 0 && result != ERR_CONFLICT)
            return result;
        if (keys->list[i].signs_from_ms <= now_ms)
            signer = i;
    }
    TRY(token_ring_set_signer(ring, keys->list[signer].kid));
    for (size_t i = 0; i < signer; i++) {
        if (keys->list[i + 1].signs_from_ms + KEY_AFTERLIFE_MS > now_ms)
            break;
        TRY(call_write(call, delete_key, &keys->list[i]));
        (void)token_ring_remove(ring, keys->list[i].kid);
        log_info(&call->log, "signing key retired", LOG_STR("kid", keys->list[i].kid));
    }
    return 0;
}

int identity_refresh_keys(struct call *call)
{
    struct stored_keys keys = {.call = call};
    int64_t now_ms = call_now_ms(call);
    TRY(call_read(call, read_keys, &keys));
    int result = 0;
    if (keys.count == 0)
        result = make_key(call, now_ms);
    else if (keys.count < TOKEN_KEYS_MAX && keys.list[keys.count - 1].signs_from_ms + KEY_ROTATION_MS <= now_ms)
        result = make_key(call, now_ms + KEY_LEAD_MS);
    wipe_keys(&keys);
    TRY(result);
    TRY(call_read(call, read_keys, &keys));
    result = fill_ring(call, &keys, now_ms);
    wipe_keys(&keys);
    return result;
}

/* For the command line, when a key may have leaked or the algorithm of rotation is to be seen: the new key signs at
 * once. */
int rotate_keys(struct call *call, const Identity__RotateKeysRequest *in, Common__Empty *out)
{
    (void)in, (void)out;
    struct stored_keys keys = {.call = call};
    TRY(call_read(call, read_keys, &keys));
    wipe_keys(&keys);
    if (keys.count == TOKEN_KEYS_MAX)
        return call_fail(call, ERR_CONFLICT, "too_many_keys", NULL,
                         "Keys were rotated %d times within some minutes: wait until the old ones are retired.",
                         TOKEN_KEYS_MAX);
    TRY(make_key(call, call_now_ms(call)));
    return identity_refresh_keys(call);
}

int publish_keys(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)request;
    CLEANUP(buf_free) struct buf document = BUF(TOKEN_JWKS_BYTES_MAX);
    TRY(token_ring_jwks(call->host->tokens, &document));
    return call_answer(call, response, "application/json", "public, max-age=300", buf_str(&document));
}
