/* Tickets: for who cannot send a header with the request, as a browser's EventSource on another origin. One is good for
 * one stream, soon, and for the channels that it was asked for; its hash is what is kept. */
#include "platform/base/encode.h"
#include "platform/base/hash.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/kv/kv.h"
#include "platform/ports/random/random.h"
#include "platform/service/host.h"
#include "platform/wire/wire.h"
#include "services/realtime/realtime.h"

#define TICKET_BYTES 32
#define TICKET_S 30
#define TICKET_JSON_BYTES_MAX 4096

static struct kv_key key_of(struct call *call, struct str ticket)
{
    unsigned char digest[HASH_SHA256_BYTES];
    char *text = arena_alloc(call->arena, 2 * sizeof(digest));

    hash_sha256(ticket, digest);
    if (text)
        encode_hex_into(text, str_from(digest, sizeof(digest)));
    return (struct kv_key){call->tenant, STR("ticket"), str_from(text, text ? 2 * sizeof(digest) : 0)};
}

/* -- Giving one out ------------------------------------------------------------------------------------------------ */

struct issue {
    struct call *call;
    struct kv_put put;
};

static int store(struct sql_tx *tx, void *argument)
{
    struct issue *issue = argument;

    return kv_put(issue->call->instance->kv, tx, &issue->put, NULL);
}

static int encode(struct call *call, const Realtime__CreateTicketRequest *in, struct str *ret_json)
{
    CLEANUP(buf_free) struct buf json = BUF(TICKET_JSON_BYTES_MAX);
    Realtime__StoredTicket stored = REALTIME__STORED_TICKET__INIT;

    stored.n_channels = in->n_channels;
    stored.channels = in->channels;
    stored.session_id = call->who.session_id.len ? arena_cstr(call->arena, call->who.session_id) : NULL;
    wire_to_json(&stored.base, &json);
    TRY(buf_error(&json));
    *ret_json = arena_copy(call->arena, buf_str(&json));
    return ret_json->ptr ? 0 : ERR_NO_MEMORY;
}

int create_ticket(struct call *call, const Realtime__CreateTicketRequest *in, Realtime__Ticket *out)
{
    unsigned char bytes[TICKET_BYTES];
    CLEANUP(buf_free) struct buf text = BUF(2 * TICKET_BYTES);
    struct subscription subscription = {.channel_count = 0};
    struct issue issue = {.call = call};

    for (size_t i = 0; i < in->n_channels; i++)
        TRY(channel_add(call, str_from_cstr(in->channels[i]), &subscription));
    if (subscription.channel_count == 0)
        return call_fail(call, ERR_INVALID, "channels_required", "/channels", "Say what the ticket is to follow.");
    random_bytes(bytes, sizeof(bytes));
    encode_base64url(&text, str_from(bytes, sizeof(bytes)));
    TRY(buf_error(&text));
    out->ticket = arena_cstr(call->arena, buf_str(&text));
    out->has_expires_in = true;
    out->expires_in = TICKET_S;
    issue.put = (struct kv_put){.key = key_of(call, buf_str(&text)),
                                .expires_at_ms = clock_steady_ms() + TICKET_S * CLOCK_MS_PER_S,
                                .condition = KV_IF_ABSENT};
    if (!out->ticket || issue.put.key.key.len == 0)
        return ERR_NO_MEMORY;
    TRY(encode(call, in, &issue.put.value));
    return call_write(call, store, &issue);
}

/* -- Taking one ---------------------------------------------------------------------------------------------------- */

struct redeem {
    struct call *call;
    struct kv_key key;
    struct kv_row row;
};

/* Who comes first takes it: deleted with the version that was read. */
static int take(struct sql_tx *tx, void *argument)
{
    struct redeem *redeem = argument;
    struct call *call = redeem->call;
    struct kv *kv = call->instance->kv;

    TRY(kv_get(kv, tx, redeem->key, call->arena, &redeem->row));
    return kv_delete(kv, tx, redeem->key, redeem->row.version);
}

static int refuse(struct call *call)
{
    return call_fail(call, ERR_UNAUTHENTICATED, "ticket_invalid", NULL,
                     "The ticket was used, or its time is up. Ask for a new one.");
}

static int fill(struct call *call, struct str json, struct subscription *subscription)
{
    Realtime__StoredTicket *stored = arena_alloc(call->arena, sizeof(*stored));

    if (!stored)
        return ERR_NO_MEMORY;
    realtime__stored_ticket__init(stored);
    TRY(wire_from_json(call->arena, json, &stored->base, &call->problem));
    for (size_t i = 0; i < stored->n_channels; i++)
        TRY(channel_add_allowed(call, str_from_cstr(stored->channels[i]), subscription));
    subscription->session_id = str_from_cstr(stored->session_id);
    return 0;
}

int ticket_redeem(struct call *call, struct str ticket, struct subscription *subscription)
{
    struct redeem redeem = {.call = call, .key = key_of(call, ticket)};

    if (redeem.key.key.len == 0)
        return ERR_NO_MEMORY;
    int result = call_write(call, take, &redeem);
    if (result == ERR_NOT_FOUND || result == ERR_STALE)
        return refuse(call);
    TRY(result);
    return fill(call, redeem.row.value, subscription);
}
