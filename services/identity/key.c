/* The keys that sign access tokens. They are made here, kept in identity's database, and never leave the process but as
 * the public halves in the JWKS document.
 *
 * A new key is published for KEY_LEAD_MS before it signs, so that those who cache the document know it in time; the one
 * before it verifies until its last token has expired. */
#include "platform/base/time_format.h"
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
    int64_t signs_from_ms, created_at_ms;
};

static int insert_key(struct sql_tx *tx, void *argument)
{
    struct new_key *key = argument;
    return sql_exec(
        tx, &identity_sql_insert_signing_key,
        SQL_ARGS(sql_cstr(key->kid), sql_text(key->pem), sql_int(key->signs_from_ms), sql_int(key->created_at_ms)),
        NULL);
}

/* Signs from lead_ms on from now. */
static int make_key(struct call *call, int64_t lead_ms, char ret_kid[TOKEN_KID_BYTES])
{
    int64_t now_ms = clock_latest_ms();
    struct new_key key = {.signs_from_ms = now_ms + lead_ms, .created_at_ms = now_ms};
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
    if (result < 0)
        return result;
    log_info(&call->log, "signing key made", LOG_CSTR("kid", key.kid));
    memcpy(ret_kid, key.kid, TOKEN_KID_BYTES);
    return 0;
}

static int delete_key(struct sql_tx *tx, void *argument)
{
    const struct stored_key *key = argument;
    return sql_exec(tx, &identity_sql_delete_signing_key, SQL_ARGS(sql_text(key->kid)), NULL);
}

/* The newest key whose time has come signs. A key is done when its successor has signed for KEY_AFTERLIFE_MS,
 * by the steady clock: a wall clock that is ahead for a moment takes no key away. */
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
        if (keys->list[i + 1].signs_from_ms + KEY_AFTERLIFE_MS > clock_steady_ms())
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
    int64_t now_ms = clock_latest_ms();
    char kid[TOKEN_KID_BYTES];
    TRY(call_read(call, read_keys, &keys));
    int result = 0;
    if (keys.count == 0)
        result = make_key(call, 0, kid);
    else if (keys.count < TOKEN_KEYS_MAX && keys.list[keys.count - 1].signs_from_ms + KEY_ROTATION_MS <= now_ms)
        result = make_key(call, KEY_LEAD_MS, kid);
    wipe_keys(&keys);
    TRY(result);
    TRY(call_read(call, read_keys, &keys));
    result = fill_ring(call, &keys, now_ms);
    wipe_keys(&keys);
    return result;
}

/* -- For the command line ------------------------------------------------------------------------------------------ */

struct shown_key {
    struct str kid;
    int64_t signs_from_ms, created_at_ms;
};

static char *new_time(struct call *call, int64_t time_ms)
{
    char *text = arena_alloc(call->arena, TIME_RFC3339_BYTES);
    if (text)
        time_format_rfc3339(time_ms, text);
    return text;
}

/* until_ms 0: nothing ends its state. */
static int show_key(struct call *call, const struct shown_key *key, const char *state, int64_t until_ms,
                    Identity__SigningKey *out)
{
    out->kid = arena_cstr(call->arena, key->kid);
    out->created_at = new_time(call, key->created_at_ms);
    out->state = (char *)(uintptr_t)state;
    out->until = until_ms ? new_time(call, until_ms) : NULL;
    return out->kid && out->created_at && (out->until || !until_ms) ? 0 : ERR_NO_MEMORY;
}

static int show_keys(struct call *call, struct sql_rows *rows, struct shown_key keys[TOKEN_KEYS_MAX], size_t *ret_count)
{
    size_t count = 0;
    int row;
    while ((row = sql_next(rows)) > 0 && count < TOKEN_KEYS_MAX) {
        struct shown_key *key = &keys[count++];
        *key = (struct shown_key){.signs_from_ms = sql_get_int(rows, 1), .created_at_ms = sql_get_int(rows, 2)};
        key->kid = arena_copy(call->arena, sql_get_text(rows, 0));
        if (!key->kid.ptr)
            return ERR_NO_MEMORY;
    }
    *ret_count = count;
    return row < 0 ? row : 0;
}

int list_keys(struct call *call, const Identity__ListKeysRequest *in, Identity__ListKeysReply *out)
{
    (void)in;
    struct shown_key keys[TOKEN_KEYS_MAX];
    size_t count, signer = 0;
    int64_t now_ms = clock_latest_ms();
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(call->tx, &identity_sql_show_signing_keys, SQL_ARGS(sql_int(TOKEN_KEYS_MAX)), &rows));
    TRY(show_keys(call, rows, keys, &count));
    Identity__SigningKey *list = arena_alloc_array(call->arena, TOKEN_KEYS_MAX, sizeof(*list));
    out->keys = arena_alloc_array(call->arena, TOKEN_KEYS_MAX, sizeof(out->keys[0]));
    if (!list || !out->keys)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (keys[i].signs_from_ms <= now_ms)
            signer = i;
    for (size_t i = 0; i < count; i++) {
        identity__signing_key__init(&list[i]);
        if (i < signer)
            TRY(show_key(call, &keys[i], "verifying", keys[i + 1].signs_from_ms + KEY_AFTERLIFE_MS, &list[i]));
        else
            TRY(show_key(call, &keys[i], i == signer ? "signing" : "published", i == signer ? 0 : keys[i].signs_from_ms,
                         &list[i]));
        out->keys[out->n_keys++] = &list[i];
    }
    return 0;
}

/* The new key signs at once. The ones before it go on verifying: this is no remedy for a key that others know. */
int rotate_keys(struct call *call, const Identity__RotateKeysRequest *in, Identity__SigningKey *out)
{
    (void)in;
    struct stored_keys keys = {.call = call};
    char kid[TOKEN_KID_BYTES];
    TRY(call_read(call, read_keys, &keys));
    wipe_keys(&keys);
    if (keys.count == TOKEN_KEYS_MAX)
        return call_fail(call, ERR_CONFLICT, "too_many_keys", NULL,
                         "Keys were rotated %d times within some minutes: wait until the old ones are retired.",
                         TOKEN_KEYS_MAX);
    int64_t now_ms = clock_latest_ms();
    TRY(make_key(call, 0, kid));
    TRY(identity_refresh_keys(call));
    const struct shown_key key = {.kid = str_from_cstr(kid), .signs_from_ms = now_ms, .created_at_ms = now_ms};
    return show_key(call, &key, "signing", 0, out);
}

int publish_keys(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)request;
    CLEANUP(buf_free) struct buf document = BUF(TOKEN_JWKS_BYTES_MAX);
    TRY(token_ring_jwks(call->host->tokens, &document));
    return call_answer(call, response, "application/json", "public, max-age=300", buf_str(&document));
}
