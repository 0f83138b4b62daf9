/* The header fields and trailers of a call between services. Input: a line each for grpc-timeout, grpc-status,
 * grpc-message and grpc-status-details-bin. Whatever they are, a time-out is none or not negative and is written and
 * read back no longer; an ending is a problem of one of our errors whose text is UTF-8, and goes on as the same. */
#include "platform/rpc/rpc_problem.h"
#include "platform/rpc/rpc_text.h"
#include "tests/fuzz/fuzz.h"

static void check_timeout(struct str text)
{
    char written[RPC_TIMEOUT_BYTES];
    int64_t timeout_ns, again_ns;

    if (rpc_timeout_parse(text, &timeout_ns) < 0)
        return;
    ASSERT(timeout_ns >= 0);
    rpc_timeout_format(timeout_ns, written);
    ASSERT(rpc_timeout_parse(str_from_cstr(written), &again_ns) == 0 && again_ns <= timeout_ns);
}

static void check_problem(struct arena *arena, const struct rpc_ending *ending)
{
    struct problem problem = {0}, again = {0};
    struct rpc_ending sent;
    int error = rpc_problem_decode(arena, ending, &problem);

    ASSERT((error == 0) == (ending->status == RPC_OK));
    if (error == 0)
        return;
    ASSERT(error_is_retriable(error) || error_http_status(error) >= 400);
    ASSERT(problem.error == error && problem.code && problem.code[0] && problem.retry_after_ms >= 0);
    ASSERT(str_is_utf8(str_from_cstr(problem.detail)) && str_is_utf8(str_from_cstr(problem.pointer)));
    rpc_problem_encode(arena, &problem, &sent);
    ASSERT(rpc_problem_decode(arena, &sent, &again) == error);
    ASSERT(strcmp(problem.detail, again.detail) == 0 && strcmp(problem.pointer, again.pointer) == 0);
    ASSERT(strcmp(again.code, problem.code) == 0 ||
           strcmp(again.code, error_name(error)) == 0); /* there may be too many */
    ASSERT(problem.retry_after_ms == again.retry_after_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct str rest = str_from(data, size);
    struct rpc_ending ending = {.status = RPC_UNKNOWN};

    ASSERT(arena);
    check_timeout(fuzz_take_line(&rest));
    if (rpc_status_parse(fuzz_take_line(&rest), &ending.status) < 0)
        ending.status = RPC_UNKNOWN;
    ending.message = fuzz_take_line(&rest);
    ending.details = fuzz_take_line(&rest);
    check_problem(arena, &ending);
    return 0;
}
