#include "platform/service/request.h"

#include "platform/ports/cache/cache.h"
#include "platform/ports/clock/clock.h"
#include "platform/service/compression.h"
#include "platform/service/host.h"
#include "platform/service/host_metrics.h"
#include "platform/service/request_parts.h"
#include "platform/service/waiters.h"

#define CACHE_KEY_MAX 2048

/* -- The end ------------------------------------------------------------------------------------------------------- */

static void leave_in_flight(struct request *request)
{
    if (request->in_flight)
        in_flight_leave(request->host->in_flight, &request->call, &request->idempotency);
    request->in_flight = false;
}

/* Who was kept out: what an operator looks for after, and during, an attack. */
static bool is_refusal(int status)
{
    return status == 401 || status == 403 || status == 429;
}

/* Failures are errors; what changes something, or kept somebody out, is worth a line; other reads are counted, and told
 * only to who debugs. */
static enum log_level level_of(const struct request *request, int status)
{
    if (status >= 500)
        return LOG_LEVEL_ERROR;
    return http_is_read(request->http) && !is_refusal(status) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

static void log_request(struct request *request, int status)
{
    int64_t duration_ns = clock_monotonic_ns() - request->started_ns;
    const struct route *route = request->match.route;
    enum log_level level = level_of(request, status);

    host_metrics_request(request->instance, status, duration_ns);
    if (!log_is_enabled(level))
        return;
    struct log_field fields[] = {
        LOG_CSTR("method", http_method_name(request->http->method)),
        LOG_CSTR("route", route ? route->path : NULL),
        LOG_INT("status", status),
        LOG_INT("duration_us", duration_ns / 1000),
        LOG_CSTR("code", request->call.problem.code),
        LOG_CSTR("detail", request->call.problem.detail),
        {.kind = LOG_FIELD_END},
    };
    /* What went well needs no reason, what was refused no sentence. */
    if (status < 500)
        fields[status < 400 ? 4 : 5].kind = LOG_FIELD_END;
    log_write(&request->call.log, level, "request", fields);
}

static void send(struct request *request, struct http_response *response)
{
    leave_in_flight(request);
    log_request(request, response->status);
    request->respond(request, response);
}

static void answer_problem(struct request *request)
{
    struct http_response response;

    response_from_problem(request, &response);
    if (request->may_block && request_wants_page(request))
        response_from_problem_page(request, &response);
    send(request, &response);
}

/* Answers after the handler ran (or was found not to need to): with its reply, a replay, or its problem. */
static void finish(struct request *request, int result)
{
    struct http_response response;

    if (request->idempotency.replayed)
        result = request_keep_replayed_guest(request);
    else if (result >= 0)
        result = reply_encode(&request->call);
    if (result >= 0 && !request->idempotency.replayed)
        result = request_keep_guest(request);
    if (result < 0) {
        /* A problem of another error is of a run that did not count: its whole batch failed afterwards. */
        if (request->call.problem.error != result)
            problem_set(&request->call.problem, result, error_name(result), NULL, "%s",
                        error_is_retriable(result) ? "The shop cannot do this right now; try again."
                                                   : "The shop could not do this.");
        answer_problem(request);
        return;
    }
    if (request->idempotency.replayed)
        response_from_replay(request, &response);
    else
        response_from_reply(request, &response);
    send(request, &response);
}

/* -- Idempotent failures: what a handler refused for good stays refused -------------------------------------------- */

static int store_refusal(struct sql_tx *tx, void *argument)
{
    struct request *request = argument;

    return idempotency_store(&request->call, tx, &request->idempotency);
}

static void refusal_stored(int result, void *argument)
{
    struct request *request = argument;

    if (result >= 0) {
        answer_problem(request);
        return;
    }
    /* Whoever was refused must be refused again by the same key. What could not be kept (a full disk) is no answer. */
    request->call.problem = (struct problem){0};
    finish(request, result);
}

static bool is_kept_refusal(const struct request *request, int result)
{
    int status = error_http_status(result);

    return result < 0 && request->reply.idempotency && !request->idempotency.recorded &&
           !request->idempotency.replayed && status < 500 && status != 429 && request->call.problem.error &&
           result != ERR_UNPROCESSABLE;
}

static void finish_or_store_refusal(struct request *request, int result)
{
    if (!is_kept_refusal(request, result)) {
        finish(request, result);
        return;
    }
    struct http_response response;

    response_from_problem(request, &response);
    request->idempotency.status = response.status;
    request->idempotency.body = response.body;
    request->write = (struct sql_write_job){.closure = store_refusal, .argument = request, .done = refusal_stored};
    sql_write_async(request->call.db, &request->write);
}

/* -- Waiting for the outcome (Prefer: wait) ------------------------------------------------------------------------ */

static int store_answer(struct sql_tx *tx, void *argument)
{
    struct request *request = argument;

    request->idempotency.status = request->reply.status;
    request->idempotency.body = request->reply.body;
    request->idempotency.etag = str_from_cstr(request->reply.etag);
    return idempotency_store(&request->call, tx, &request->idempotency);
}

static int refresh_closure(struct sql_tx *tx, void *argument)
{
    struct request *request = argument;
    int status = request->reply.status;

    request->call.tx = tx;
    request->reply.encoded = false;
    int result = request->reply.wait_refresh(&request->call, request->in, request->reply.out);
    request->reply.status = status;
    request->call.tx = NULL;
    return result;
}

static void answer_stored(int result, void *argument)
{
    finish(argument, result);
}

/* The awaited thing happened, or the time is up: shows it as it is now, which is from now on the recorded answer. */
static void run_refresh(struct work *work)
{
    struct request *request = (struct request *)work;
    int result = sql_read(request->call.db, refresh_closure, request);

    if (result >= 0)
        result = reply_encode(&request->call);
    if (result < 0 || !request->reply.idempotency) {
        finish(request, result);
        return;
    }
    request->write = (struct sql_write_job){.closure = store_answer, .argument = request, .done = answer_stored};
    sql_write_async(request->call.db, &request->write);
}

static bool wait_for_outcome(struct request *request, int result)
{
    if (result < 0 || request->idempotency.replayed || request->reply.wait_key.len == 0 || request->call.wait_ms <= 0)
        return false;
    request->work.run = run_refresh;
    return waiters_add(request->host->waiters, &request->work, request->reply.wait_key, request->started_ns,
                       request->started_ns + request->call.wait_ms * CLOCK_NS_PER_MS);
}

static void handler_done(int result, void *argument)
{
    struct request *request = argument;

    if (!wait_for_outcome(request, result))
        finish_or_store_refusal(request, result);
}

/* -- The handler in its transaction ------------------------------------------------------------------------------- */

static int run_handler(struct request *request)
{
    request_reset_output(request);
    return request->match.route->handler(&request->call, request->in, request->reply.out);
}

static int read_closure(struct sql_tx *tx, void *argument)
{
    struct request *request = argument;

    request->call.tx = tx;
    int result = run_handler(request);
    request->call.tx = NULL;
    return result;
}

static int write_handler(struct sql_tx *tx, void *argument)
{
    (void)tx;
    return run_handler(argument);
}

static int write_closure(struct sql_tx *tx, void *argument)
{
    struct request *request = argument;

    return call_run_write(&request->call, tx, write_handler, request);
}

static int find_record_closure(struct sql_tx *tx, void *argument)
{
    struct request *request = argument;

    return idempotency_find(&request->call, tx, &request->idempotency);
}

/* A handler that runs outside the transaction must not start when its answer is there already: replayed is set then. */
static int find_record(struct request *request)
{
    return request->reply.idempotency ? sql_read(request->call.db, find_record_closure, request) : 0;
}

static int run_outside(struct request *request)
{
    TRY(find_record(request));
    return request->idempotency.replayed ? 0 : run_handler(request);
}

static void run_rpc(struct request *request)
{
    enum transaction tx = route_transaction(request->match.route);

    if (tx == TX_WRITE) {
        request->write = (struct sql_write_job){.closure = write_closure, .argument = request, .done = handler_done};
        sql_write_async(request->call.db, &request->write);
    } else {
        handler_done(tx == TX_READ ? sql_read(request->call.db, read_closure, request) : run_outside(request), request);
    }
}

static int raw_closure(struct sql_tx *tx, void *argument)
{
    struct request *request = argument;

    TRY(call_check_deadline(&request->call));
    request->call.tx = tx;
    int result = request->match.route->raw(&request->call, request->http, request->reply.raw);
    request->call.tx = NULL;
    return result;
}

/* A raw handler may block; with TX_WRITE it runs on the writer. */
static int run_raw_handler(struct request *request)
{
    TRY(find_record(request));
    if (request->idempotency.replayed)
        return 0;
    switch (request->match.route->tx) {
    case TX_WRITE:
        return sql_write(request->call.db, raw_closure, request);
    case TX_READ:
        return sql_read(request->call.db, raw_closure, request);
    default:
        return request->match.route->raw(&request->call, request->http, request->reply.raw);
    }
}

/* What a raw handler answered without writing anything, as a refusal of its own, stays its key's answer too. */
static int keep_raw_answer(struct request *request)
{
    const struct http_response *response = request->reply.raw;

    if (!request->reply.idempotency || request->idempotency.recorded || response->status >= 500)
        return 0;
    request->idempotency.status = response->status;
    request->idempotency.body = response->body;
    return sql_write(request->call.db, store_refusal, request);
}

static void run_raw(struct request *request)
{
    struct http_response response = {.status = 200};

    request->reply.raw = &response;
    int result = run_raw_handler(request);
    if (result < 0 || request->idempotency.replayed) {
        finish_or_store_refusal(request, result);
        return;
    }
    result = keep_raw_answer(request);
    if (result < 0) {
        finish(request, result);
        return;
    }
    response_from_raw(request, &response);
    send(request, &response);
}

/* -- The way in ---------------------------------------------------------------------------------------------------- */

static int admit(struct request *request)
{
    const struct route *route = request->match.route;

    if (!route)
        return refuse_method(request);
    TRY(request_authenticate(request));
    TRY(request_authorise(request));
    TRY(request_limit_rate(request));
    if (!route->raw)
        TRY(request_decode(request));
    return request_preconditions(request);
}

static void request_run(struct work *work)
{
    struct request *request = (struct request *)work;

    request->may_block = !request->match.route || !request->match.route->inline_ok;
    if (request->cache_key.len)
        request->cache_epoch = response_cache_epoch(request->host->responses);
    /* It may have waited for a worker until nobody waits for its answer any more. */
    int result = call_check_deadline(&request->call);
    if (result >= 0)
        result = admit(request);
    if (result < 0)
        finish(request, result);
    else if (request->match.route->raw)
        run_raw(request);
    else
        run_rpc(request);
}

/* The key of a row that may be cached: all that its answer depends on. Empty when the request is not of that kind. */
static struct str make_cache_key(const struct request *request)
{
    enum content_coding coding = content_coding_choose(http_header_find(request->http, "accept-encoding"), CODINGS_ALL);
    size_t size = request->call.tenant.len + 1 + request->http->target.len + 1;
    char *key = size <= CACHE_KEY_MAX ? arena_alloc(request->arena, size) : NULL;

    if (!key)
        return STR_EMPTY;
    memcpy(key, request->call.tenant.ptr, request->call.tenant.len);
    key[request->call.tenant.len] = '\n';
    memcpy(key + request->call.tenant.len + 1, request->http->target.ptr, request->http->target.len);
    key[size - 1] = (char)('0' + coding); /* so each form is compressed once, and those that nobody asks for never */
    return str_from(key, size);
}

static bool answer_cached(struct request *request)
{
    const struct route *route = request->match.route;
    struct cached_response cached;

    /* A token may be refused, so whoever sends one goes the whole way. */
    if (!route || !route->cached || http_header_find(request->http, "authorization").ptr)
        return false;
    request->cache_key = make_cache_key(request);
    if (request->cache_key.len == 0 || !response_cache_get(request->host->responses, request->cache_key, &cached))
        return false;
    struct http_response response;
    response_from_cache(request, &cached, &response);
    host_metrics_request(request->instance, response.status, 0);
    request->respond(request, &response);
    return true;
}

static int start_trace(struct request *request)
{
    return call_start_trace(&request->call, http_header_find(request->http, "traceparent"));
}

/* Says why there is nothing, where that takes a worker's time. */
static void run_problem(struct work *work)
{
    struct request *request = (struct request *)work;

    request->may_block = true;
    answer_problem(request);
}

/* The handler does not block, and neither does what is around it. */
static bool may_run_inline(const struct request *request)
{
    const struct route *route = request->match.route;

    return route && route->inline_ok && !(request_has_rate(request) && cache_blocks(request->host->cache));
}

bool request_begin(struct request *request)
{
    request->started_ns = clock_monotonic_ns();
    request->work.run = request_run;
    int result = request_route(request);
    /* What the cache answers causes nothing, so nothing is traced. */
    if (result >= 0 && answer_cached(request))
        return true;
    int trace_result = start_trace(request);
    if (trace_result >= 0 && result < 0 && request_wants_page(request)) {
        request->work.run = run_problem;
        return false;
    }
    if (result < 0 || trace_result < 0) {
        finish(request, result < 0 ? result : trace_result);
        return true;
    }
    if (may_run_inline(request)) {
        request_run(&request->work);
        return true;
    }
    return false;
}

size_t request_body_max(struct request *request, struct http_response *ret_response)
{
    request->started_ns = clock_monotonic_ns();
    if (request_route(request) < 0 || !request->match.route || request->match.route->body_bytes_max == 0)
        return 0;
    int result = start_trace(request);
    if (result >= 0)
        result = request_authenticate(request);
    if (result >= 0)
        result = request_authorise(request);
    if (result >= 0)
        return request->match.route->body_bytes_max;
    response_from_problem(request, ret_response);
    log_request(request, ret_response->status);
    return 0;
}

void request_refuse(struct request *request)
{
    problem_set(&request->call.problem, ERR_UNAVAILABLE, "overloaded", NULL, "The shop is busy; try again.");
    answer_problem(request);
}
