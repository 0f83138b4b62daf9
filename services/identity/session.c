/* Sessions: families of refresh tokens, and what ends them. */
#include "platform/base/encode.h"
#include "platform/base/hash.h"
#include "platform/base/time_format.h"
#include "platform/ports/random/random.h"
#include "services/identity/identity.h"

#include <stdlib.h>

#define REFRESH_TOKEN_BYTES IDENTITY_HASH_BYTES
#define USER_AGENT_BYTES_MAX 200
#define BLOCK_MS ((TOKEN_LIFETIME_S + TOKEN_LEEWAY_S + 1) * INT64_C(1000))

/* -- Opening ------------------------------------------------------------------------------------------------------ */

void identity_hash_refresh_token(struct str token, unsigned char ret_hash[IDENTITY_HASH_BYTES])
{
    hash_sha256(token, ret_hash);
}

static int write_refresh_token(struct call *call, const unsigned char bytes[REFRESH_TOKEN_BYTES], struct str *ret_token)
{
    CLEANUP(buf_free) struct buf text = BUF(2 * REFRESH_TOKEN_BYTES);
    encode_base64url(&text, str_from(bytes, REFRESH_TOKEN_BYTES));
    TRY(buf_error(&text));
    *ret_token = arena_copy(call->arena, buf_str(&text));
    return ret_token->ptr ? 0 : ERR_NO_MEMORY;
}

static int make_refresh_token(struct call *call, struct str *ret_token)
{
    unsigned char bytes[REFRESH_TOKEN_BYTES];
    random_bytes(bytes, sizeof(bytes));
    return write_refresh_token(call, bytes, ret_token);
}

int identity_next_refresh_token(struct call *call, struct str token, struct str *ret_next)
{
    const struct identity *identity = identity_of(call);
    unsigned char bytes[REFRESH_TOKEN_BYTES];
    hash_hmac_sha256(str_from(identity->refresh_key, sizeof(identity->refresh_key)), token, bytes);
    return write_refresh_token(call, bytes, ret_next);
}

int identity_store_refresh_token(struct call *call, struct str session_id, struct str token)
{
    unsigned char hash[IDENTITY_HASH_BYTES];
    identity_hash_refresh_token(token, hash);
    return sql_exec(call->tx, &identity_sql_insert_refresh_token,
                    SQL_ARGS(sql_blob(str_from(hash, sizeof(hash))), sql_text(call->tenant), sql_text(session_id)),
                    NULL);
}

/* The client's own words about itself, cut; nothing when they are no text. */
static struct str user_agent_of(const struct call *call)
{
    struct str agent = str_slice(call->user_agent, 0, USER_AGENT_BYTES_MAX);
    while (agent.len > 0 && !str_is_utf8(agent) && agent.len + 4 > USER_AGENT_BYTES_MAX)
        agent.len--; /* A character was cut. */
    return str_is_utf8(agent) ? agent : STR_EMPTY;
}

/* Ends the user's oldest session when there are SESSIONS_OF_USER_MAX. */
static int make_room(struct call *call, struct str user_id)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found =
        sql_query_row(call->tx, &identity_sql_find_oldest_session,
                      SQL_ARGS(sql_text(call->tenant), sql_text(user_id), sql_int(SESSIONS_OF_USER_MAX - 1)), &rows);
    if (found <= 0)
        return found;
    struct str oldest = arena_copy(call->arena, sql_get_text(rows, 0));
    return oldest.ptr ? identity_end_session(call, user_id, oldest) : ERR_NO_MEMORY;
}

int64_t identity_tokens_until_ms(int64_t issued_ms)
{
    return issued_ms + BLOCK_MS;
}

int identity_open_session(struct call *call, const struct account *account, int64_t now_ms, struct str *ret_session_id,
                          struct str *ret_refresh_token)
{
    char *id = call_new_id(call);
    if (!id)
        return ERR_NO_MEMORY;
    TRY(make_room(call, account->id));
    TRY(sql_exec(call->tx, &identity_sql_insert_session,
                 SQL_ARGS(sql_text(call->tenant), sql_cstr(id), sql_text(account->id), sql_int(now_ms),
                          sql_int(now_ms + SESSION_LIFETIME_MS), sql_text(call->client_address),
                          sql_text(user_agent_of(call)), sql_int(identity_tokens_until_ms(now_ms))),
                 NULL));
    *ret_session_id = str_from_cstr(id);
    TRY(make_refresh_token(call, ret_refresh_token));
    return identity_store_refresh_token(call, *ret_session_id, *ret_refresh_token);
}

static void fill_claims_text(char *to, size_t size, struct str from)
{
    size_t len = from.len < size ? from.len : size - 1;
    if (len > 0)
        memcpy(to, from.ptr, len);
    to[len] = '\0';
}

int identity_fill_tokens(struct call *call, const struct account *account, int64_t issued_ms, struct str session_id,
                         struct str refresh_token, Identity__Tokens *tokens)
{
    struct token_claims claims = {.roles = account->roles, .email_verified = account->email_verified};
    struct str access_token;
    char *id = call_new_id(call);
    if (!id)
        return ERR_NO_MEMORY;
    claims.issued_at_s = issued_ms / 1000;
    claims.expires_at_s = claims.issued_at_s + TOKEN_LIFETIME_S;
    fill_claims_text(claims.user_id, sizeof(claims.user_id), account->id);
    fill_claims_text(claims.session_id, sizeof(claims.session_id), session_id);
    fill_claims_text(claims.token_id, sizeof(claims.token_id), str_from_cstr(id));
    fill_claims_text(claims.tenant, sizeof(claims.tenant), call->tenant);
    fill_claims_text(claims.email, sizeof(claims.email), account->email);
    TRY(token_sign(call->host->tokens, call->arena, &claims, &access_token));
    tokens->access_token = arena_cstr(call->arena, access_token);
    tokens->refresh_token = arena_cstr(call->arena, refresh_token);
    tokens->has_expires_in = true;
    tokens->expires_in = TOKEN_LIFETIME_S;
    tokens->token_type = "Bearer";
    return tokens->access_token && tokens->refresh_token ? 0 : ERR_NO_MEMORY;
}

/* -- Ending ------------------------------------------------------------------------------------------------------- */

/* What the ring is told when the transaction is on disk, before anybody learns of it. */
struct block {
    struct service_host *host;
    char session_id[TOKEN_ID_BYTES];
    int64_t until_ms, now_ms /* by the steady clock: what is older may make room */;
};

static void apply_block(bool committed, void *argument)
{
    struct block *block = argument;
    int result = 0;
    if (committed)
        result =
            token_block_session(block->host->tokens, str_from_cstr(block->session_id), block->until_ms, block->now_ms);
    if (result < 0)
        log_error(&block->host->log, "tokens could not be blocked", LOG_ERR(result));
    free(block);
}

/* The row makes it hold after a restart, the hook at once. tokens_until_ms: the least that it must last; a token that
 * was issued when the clock was ahead lasts longer than one of now. */
static int block_tokens(struct call *call, struct str session_id, int64_t tokens_until_ms)
{
    struct block *block = calloc(1, sizeof(*block));
    if (!block)
        return ERR_NO_MEMORY;
    *block = (struct block){.host = call->host, .now_ms = clock_steady_ms()};
    block->until_ms = identity_tokens_until_ms(clock_latest_ms());
    if (block->until_ms < tokens_until_ms)
        block->until_ms = tokens_until_ms;
    fill_claims_text(block->session_id, sizeof(block->session_id), session_id);
    int result = sql_exec(call->tx, &identity_sql_put_token_block,
                          SQL_ARGS(sql_text(session_id), sql_int(block->until_ms)), NULL);
    if (result == 0)
        result = sql_tx_on_commit(call->tx, apply_block, block);
    if (result < 0)
        free(block);
    return result;
}

int identity_end_session(struct call *call, struct str user_id, struct str session_id)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int deleted = sql_query_row(call->tx, &identity_sql_delete_session,
                                SQL_ARGS(sql_text(call->tenant), sql_text(session_id), sql_text(user_id)), &rows);
    if (deleted <= 0)
        return deleted;
    TRY(block_tokens(call, session_id, sql_get_int(rows, 0)));
    return 1;
}

/* Its refresh tokens, used ones too, become those of a copy with an id of its own. */
static int rename_session(struct call *call, struct str user_id, struct str session_id)
{
    char *id = call_new_id(call);
    if (!id)
        return ERR_NO_MEMORY;
    TRY(sql_exec(call->tx, &identity_sql_copy_session,
                 SQL_ARGS(sql_text(call->tenant), sql_text(session_id), sql_cstr(id)), NULL));
    TRY(sql_exec(call->tx, &identity_sql_move_refresh_tokens,
                 SQL_ARGS(sql_text(call->tenant), sql_text(session_id), sql_cstr(id)), NULL));
    int ended = identity_end_session(call, user_id, session_id);
    return ended < 0 ? ended : 0;
}

struct session_id {
    struct session_id *next;
    struct str id;
};

/* All of a user's but one (empty: all), however many there are, the oldest first; in the call's arena. */
static int list_session_ids(struct call *call, struct str user_id, struct str kept_session_id,
                            struct session_id **ret_first)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct session_id **last = ret_first;
    int row;
    *ret_first = NULL;
    TRY(sql_query(call->tx, &identity_sql_list_session_ids,
                  SQL_ARGS(sql_text(call->tenant), sql_text(user_id), sql_text(kept_session_id)), &rows));
    while ((row = sql_next(rows)) > 0) {
        struct session_id *session = arena_alloc(call->arena, sizeof(*session));
        if (!session)
            return ERR_NO_MEMORY;
        *session = (struct session_id){.id = arena_copy(call->arena, sql_get_text(rows, 0))};
        if (!session->id.ptr)
            return ERR_NO_MEMORY;
        *last = session;
        last = &session->next;
    }
    return row;
}

/* Does something to each of them. What was made since, as a copy of one, is none of them. */
static int each_session(struct call *call, struct str user_id, struct str kept_session_id,
                        int (*change)(struct call *call, struct str user_id, struct str session_id))
{
    struct session_id *session;
    TRY(list_session_ids(call, user_id, kept_session_id, &session));
    for (; session; session = session->next)
        TRY(change(call, user_id, session->id));
    return 0;
}

int identity_end_sessions(struct call *call, struct str user_id, struct str kept_session_id)
{
    return each_session(call, user_id, kept_session_id, identity_end_session);
}

int identity_refuse_access_tokens(struct call *call, struct str user_id)
{
    return each_session(call, user_id, STR_EMPTY, rename_session);
}

/* -- Handlers ----------------------------------------------------------------------------------------------------- */

static int fill_session(struct call *call, struct sql_rows *rows, Identity__Session *session)
{
    char created_at[TIME_RFC3339_BYTES], last_used_at[TIME_RFC3339_BYTES];
    time_format_rfc3339(sql_get_int(rows, 1), created_at);
    time_format_rfc3339(sql_get_int(rows, 2), last_used_at);
    session->id = arena_cstr(call->arena, sql_get_text(rows, 0));
    session->created_at = arena_cstr(call->arena, str_from_cstr(created_at));
    session->last_used_at = arena_cstr(call->arena, str_from_cstr(last_used_at));
    session->address = arena_cstr(call->arena, sql_get_text(rows, 3));
    session->user_agent = arena_cstr(call->arena, sql_get_text(rows, 4));
    session->has_current = true;
    session->current = str_equal(sql_get_text(rows, 0), call->who.session_id);
    return session->id && session->created_at && session->last_used_at && session->address && session->user_agent
               ? 0
               : ERR_NO_MEMORY;
}

int list_sessions(struct call *call, const Identity__ListSessionsRequest *in, Identity__ListSessionsReply *out)
{
    (void)in;
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int row;
    out->sessions = arena_alloc_array(call->arena, SESSIONS_OF_USER_MAX, sizeof(Identity__Session *));
    if (!out->sessions)
        return ERR_NO_MEMORY;
    TRY(sql_query(call->tx, &identity_sql_list_sessions,
                  SQL_ARGS(sql_text(call->tenant), sql_text(call->who.user_id), sql_int(clock_latest_ms()),
                           sql_int(SESSIONS_OF_USER_MAX)),
                  &rows));
    while ((row = sql_next(rows)) > 0 && out->n_sessions < SESSIONS_OF_USER_MAX) {
        Identity__Session *session = arena_alloc(call->arena, sizeof(*session));
        if (!session)
            return ERR_NO_MEMORY;
        identity__session__init(session);
        TRY(fill_session(call, rows, session));
        out->sessions[out->n_sessions++] = session;
    }
    return row < 0 ? row : 0;
}

int revoke_session(struct call *call, const Identity__RevokeSessionRequest *in, Common__Empty *out)
{
    (void)out;
    int ended = identity_end_session(call, call->who.user_id, str_from_cstr(in->id));
    TRY(ended);
    return ended ? 0 : call_fail(call, ERR_NOT_FOUND, "no_session", NULL, "You have no session with this id.");
}

int revoke_sessions(struct call *call, const Identity__RevokeSessionsRequest *in, Common__Empty *out)
{
    (void)in, (void)out;
    return identity_end_sessions(call, call->who.user_id, STR_EMPTY);
}

int revoke_user_sessions(struct call *call, const Identity__RevokeUserSessionsRequest *in, Common__Empty *out)
{
    (void)out;
    struct account account;
    TRY(identity_need_account(call, in->id, &account));
    return identity_end_sessions(call, account.id, STR_EMPTY);
}
