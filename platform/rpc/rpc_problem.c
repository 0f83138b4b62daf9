#include "platform/rpc/rpc_problem.h"

#include "platform/rpc/rpc_text.h"
#include "platform/wire/wire.h"
#include "shopstream/rpc/v1/rpc.pb-c.h"

#include <stdatomic.h>
#include <stdlib.h>

#define TYPE_URL "type.googleapis.com/shopstream.rpc.v1.Problem"
#define DETAILS_BYTES_MAX 4096
#define CODES_MAX 1024 /* that peers have sent; the shop has some 200 */

/* -- Codes that stay ----------------------------------------------------------------------------------------------- */

/* Filled from the front; an entry never changes. */
static _Atomic(char *) codes[CODES_MAX];

static bool is_code(struct str code)
{
    if (code.len == 0 || code.len >= RPC_CODE_BYTES_MAX)
        return false;
    for (size_t i = 0; i < code.len; i++) {
        char c = code.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

const char *rpc_code_keep(struct str code, const char *fallback)
{
    char *copy = NULL;

    for (size_t i = 0; is_code(code) && i < CODES_MAX; i++) {
        char *known = atomic_load_explicit(&codes[i], memory_order_acquire);

        if (!known && !copy && !(copy = strndup(code.ptr, code.len)))
            return fallback;
        if (!known && atomic_compare_exchange_strong(&codes[i], &known, copy))
            return copy;
        if (str_equal_cstr(code, known)) {
            free(copy);
            return known;
        }
    }
    free(copy);
    return fallback;
}

/* -- Out ----------------------------------------------------------------------------------------------------------- */

static char *text_or_null(const char *text)
{
    return text && *text ? (char *)(uintptr_t)text : NULL;
}

static struct str encode_details(struct arena *arena, const struct problem *problem, enum rpc_status status)
{
    CLEANUP(buf_free) struct buf inner = BUF((size_t)DETAILS_BYTES_MAX);
    CLEANUP(buf_free) struct buf outer = BUF((size_t)DETAILS_BYTES_MAX);
    Rpc__Problem whole = RPC__PROBLEM__INIT;
    Rpc__Any any = RPC__ANY__INIT;
    Rpc__Any *details[] = {&any};
    Rpc__Status envelope = RPC__STATUS__INIT;

    whole.error = text_or_null(error_name(problem->error));
    whole.code = text_or_null(problem->code);
    whole.pointer = text_or_null(problem->pointer);
    whole.detail = text_or_null(problem->detail);
    whole.has_retry_after_ms = problem->retry_after_ms > 0;
    whole.retry_after_ms = problem->retry_after_ms;
    wire_to_binary(&whole.base, &inner);
    any.type_url = text_or_null(TYPE_URL);
    any.has_value = true;
    any.value = (ProtobufCBinaryData){.len = inner.len, .data = (uint8_t *)inner.ptr};
    envelope.has_code = true;
    envelope.code = (int32_t)status;
    envelope.message = whole.detail;
    envelope.details = details;
    envelope.n_details = 1;
    wire_to_binary(&envelope.base, &outer);
    return buf_error(&inner) || buf_error(&outer) ? STR_EMPTY : rpc_bytes_encode(arena, buf_str(&outer));
}

void rpc_problem_encode(struct arena *arena, const struct problem *problem, struct rpc_ending *ret_ending)
{
    CLEANUP(buf_free) struct buf message = BUF((size_t)PROBLEM_DETAIL_MAX * 3);

    rpc_message_encode(&message, str_from_cstr(problem->detail));
    ret_ending->status = rpc_status_of_error(problem->error);
    ret_ending->message = buf_error(&message) ? STR_EMPTY : arena_copy(arena, buf_str(&message));
    ret_ending->details = encode_details(arena, problem, ret_ending->status);
}

/* -- In ------------------------------------------------------------------------------------------------------------ */

/* The error of that name, or the one that the status stands for. */
static int find_error(const char *name, enum rpc_status status)
{
    for (int error = -1; name && rpc_status_of_error(error) != RPC_UNKNOWN; error--) {
        if (strcmp(error_name(error), name) == 0 && rpc_status_of_error(error) == status)
            return error;
    }
    return rpc_status_to_error(status);
}

static Rpc__Problem *find_whole(struct arena *arena, const Rpc__Status *envelope)
{
    struct problem ignored;

    for (size_t i = 0; i < envelope->n_details; i++) {
        const Rpc__Any *any = envelope->details[i];
        Rpc__Problem *whole = arena_alloc(arena, sizeof(*whole));

        if (!whole || !any->type_url || strcmp(any->type_url, TYPE_URL) != 0 || !any->has_value)
            continue;
        rpc__problem__init(whole);
        if (wire_from_binary(arena, str_from(any->value.data, any->value.len), &whole->base, &ignored) == 0)
            return whole;
    }
    return NULL;
}

/* NULL where the details are not ours, or not of this status. */
static Rpc__Problem *decode_details(struct arena *arena, const struct rpc_ending *ending)
{
    Rpc__Status envelope = RPC__STATUS__INIT;
    struct problem ignored;
    struct str bytes;

    if (ending->details.len == 0 || ending->details.len > ((size_t)DETAILS_BYTES_MAX * 4) / 3 ||
        rpc_bytes_decode(arena, ending->details, &bytes) < 0 ||
        wire_from_binary(arena, bytes, &envelope.base, &ignored) < 0)
        return NULL;
    return envelope.code == (int32_t)ending->status ? find_whole(arena, &envelope) : NULL;
}

int rpc_problem_decode(struct arena *arena, const struct rpc_ending *ending, struct problem *ret_problem)
{
    if (ending->status == RPC_OK)
        return 0;
    const Rpc__Problem *whole = decode_details(arena, ending);
    int error = find_error(whole ? whole->error : NULL, ending->status);
    struct str detail = whole ? str_from_cstr(whole->detail) : rpc_message_decode(arena, ending->message);
    const char *code = rpc_code_keep(str_from_cstr(whole ? whole->code : NULL), error_name(error));

    problem_set(ret_problem, error, code, whole ? whole->pointer : NULL, "%.*s", STR_FORMAT(detail));
    ret_problem->retry_after_ms = whole && whole->retry_after_ms > 0 ? whole->retry_after_ms : 0;
    return error;
}
