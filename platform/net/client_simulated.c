#include "platform/net/client_simulated.h"

#include "platform/base/err.h"
#include "platform/base/scheduler.h"
#include "platform/ports/clock/clock.h"

#include <ctype.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)8 << 20)
#define LATE_MAX_NS (30 * CLOCK_NS_PER_S)

struct http_client {
    unsigned connections_max;
};

struct peer {
    const char *authority;
    enum simulator_domain domain;
    simulated_peer_fn *answer;
    void *context;
};

static struct {
    struct peer peers[SIMULATED_PEERS_MAX];
    size_t peer_count;
    struct simulated_network_faults faults;
    struct simulated_network_counts counts;
} network;

/* One request on its way, in memory of its own: who sent it may be gone before it is answered. */
struct exchange {
    const struct peer *peer;
    struct arena *arena;
    struct http_request request;
    struct http_response response;
    int result;
};

void simulated_network_add_peer(const char *authority, enum simulator_domain domain, simulated_peer_fn *answer,
                                void *context)
{
    ASSERT(network.peer_count < SIMULATED_PEERS_MAX);
    network.peers[network.peer_count++] = (struct peer){authority, domain, answer, context};
}

struct simulated_network_faults *simulated_network_faults(void)
{
    return &network.faults;
}

const struct simulated_network_counts *simulated_network_counts(void)
{
    return &network.counts;
}

int http_client_trust(struct http_client *client, struct str authorities_pem)
{
    (void)client;
    (void)authorities_pem;
    return 0;
}

int http_client_new(struct http_client **ret_client, unsigned connections_max)
{
    struct http_client *client = calloc(1, sizeof(*client));
    if (!client)
        return ERR_NO_MEMORY;
    client->connections_max = connections_max;
    *ret_client = client;
    return 0;
}

void http_client_free(struct http_client *client)
{
    free(client);
}

/* -- The request as its peer sees it ------------------------------------------------------------------------------- */

/* Without memory, a str whose ptr is NULL. */
static struct str copy(struct arena *arena, struct str s)
{
    return s.len ? arena_copy(arena, s) : STR("");
}

static struct str lower(struct arena *arena, struct str s)
{
    char *text = arena_cstr(arena, s);
    for (size_t i = 0; text && i < s.len; i++)
        text[i] = (char)tolower((unsigned char)text[i]);
    return str_from(text, s.len);
}

static const struct peer *find_peer(struct str authority)
{
    for (size_t i = 0; i < network.peer_count; i++) {
        if (str_equal_cstr(authority, network.peers[i].authority))
            return &network.peers[i];
    }
    return NULL;
}

static int take_url(struct exchange *exchange, struct str url)
{
    struct str scheme = STR("http://");
    if (!str_starts_with(url, scheme))
        return ERR_INVALID;
    struct str rest = str_skip(url, scheme.len);
    ptrdiff_t slash = str_find_char(rest, '/');
    struct str authority = slash < 0 ? rest : str_slice(rest, 0, (size_t)slash);
    struct str target = copy(exchange->arena, slash < 0 ? STR("/") : str_skip(rest, (size_t)slash));
    ptrdiff_t colon = str_find_char(authority, ':');
    struct str host = copy(exchange->arena, colon < 0 ? authority : str_slice(authority, 0, (size_t)colon));
    if (!target.ptr || !host.ptr)
        return ERR_NO_MEMORY;
    ptrdiff_t question = str_find_char(target, '?');
    exchange->peer = find_peer(authority);
    exchange->request.target = target;
    exchange->request.path = question < 0 ? target : str_slice(target, 0, (size_t)question);
    exchange->request.query = question < 0 ? STR_EMPTY : str_skip(target, (size_t)question + 1);
    exchange->request.host = host;
    return 0;
}

static int take_headers(struct exchange *exchange, const struct http_client_request *from)
{
    struct http_header *headers = arena_alloc_array(exchange->arena, from->header_count + 1, sizeof(*headers));
    if (!headers)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < from->header_count; i++) {
        headers[i] = (struct http_header){lower(exchange->arena, from->headers[i].name),
                                          copy(exchange->arena, from->headers[i].value)};
        if (!headers[i].name.ptr || !headers[i].value.ptr)
            return ERR_NO_MEMORY;
    }
    exchange->request.headers = headers;
    exchange->request.header_count = from->header_count;
    return 0;
}

static void exchange_free(struct exchange *exchange)
{
    http_blob_unref(exchange->response.blob);
    http_blob_unref(exchange->response.head_blob);
    arena_free(exchange->arena);
    free(exchange);
}

static int exchange_new(struct exchange **ret_exchange, const struct http_client_request *from)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange)
        return ERR_NO_MEMORY;
    exchange->request =
        (struct http_request){.method = from->method, .scheme = STR("http"), .peer = STR("127.0.0.1"), .version = 11};
    exchange->arena = arena_new(ARENA_BYTES);
    int error = exchange->arena ? take_headers(exchange, from) : ERR_NO_MEMORY;
    if (error == 0)
        error = take_url(exchange, from->url);
    if (error == 0) {
        exchange->request.body = copy(exchange->arena, from->body);
        error = exchange->request.body.ptr ? 0 : ERR_NO_MEMORY;
    }
    if (error < 0) {
        exchange_free(exchange);
        return error;
    }
    *ret_exchange = exchange;
    return 0;
}

/* -- The way there and back ---------------------------------------------------------------------------------------- */

static void answer(void *argument)
{
    struct exchange *exchange = argument;
    exchange->response = (struct http_response){0};
    exchange->result =
        exchange->peer->answer(exchange->peer->context, &exchange->request, exchange->arena, &exchange->response);
}

/* Calls the peer in its domain; ERR_UNAVAILABLE when it is down, or crashes over it. */
static void deliver(struct exchange *exchange)
{
    if (exchange->peer->domain == SIMULATOR_WORLD)
        simulator_call_world("answer", answer, exchange);
    else if (!simulator_call_process("answer", answer, exchange))
        exchange->result = ERR_UNAVAILABLE;
}

static bool strikes(unsigned permille, uint64_t *count)
{
    bool does = permille > 0 && simulator_random_below(1000) < permille;
    *count += does;
    return does;
}

static void sleep_up_to(int64_t max_ns)
{
    task_sleep_until(clock_monotonic_ns() + 1 + (int64_t)simulator_random_below((uint64_t)max_ns + 1));
}

static void deliver_late(void *argument)
{
    struct exchange *exchange = argument;
    sleep_up_to(LATE_MAX_NS);
    deliver(exchange);
    exchange_free(exchange);
    network.counts.under_way--;
}

/* A task of the world, which whoever sent the request does not wait for. */
static void send_late(const struct http_client_request *request)
{
    struct exchange *exchange;
    ASSERT(exchange_new(&exchange, request) == 0);
    struct task *task = scheduler_add("late", deliver_late, exchange, SIMULATOR_WORLD);
    ASSERT(task);
    task->detached = true;
    network.counts.under_way++;
}

/* -- Fetch --------------------------------------------------------------------------------------------------------- */

static int take_response(const struct exchange *exchange, struct arena *arena, size_t body_bytes_max,
                         struct http_client_response *ret_response)
{
    const struct http_response *from = &exchange->response;
    struct str body = from->blob ? http_blob_bytes(from->blob) : from->body;
    if (exchange->result < 0)
        return ERR_UNAVAILABLE;
    if (body.len > body_bytes_max)
        return ERR_TOO_LARGE;
    struct http_header *headers = arena_alloc_array(arena, from->header_count + 1, sizeof(*headers));
    char *text = arena_cstr(arena, body);
    if (!headers || !text)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < from->header_count; i++) {
        headers[i] = (struct http_header){lower(arena, from->headers[i].name), copy(arena, from->headers[i].value)};
        if (!headers[i].name.ptr || !headers[i].value.ptr)
            return ERR_NO_MEMORY;
    }
    *ret_response = (struct http_client_response){from->status, headers, from->header_count, str_from(text, body.len)};
    return 0;
}

static int exchange_now(struct exchange *exchange, struct arena *arena, const struct http_client_request *request,
                        struct http_client_response *ret_response)
{
    int64_t deadline_ns = clock_monotonic_ns() + request->timeout_ms * CLOCK_NS_PER_MS;
    bool is_delayed = strikes(network.faults.delayed_permille, &network.counts.delayed);
    if (is_delayed)
        sleep_up_to(network.faults.delay_max_ns);
    deliver(exchange);
    if (is_delayed)
        sleep_up_to(network.faults.delay_max_ns);
    if (strikes(network.faults.answer_lost_permille, &network.counts.answer_lost))
        task_sleep_until(deadline_ns);
    if (clock_monotonic_ns() >= deadline_ns)
        return ERR_DEADLINE;
    return take_response(exchange, arena, request->body_bytes_max, ret_response);
}

int http_client_fetch(struct http_client *client, struct arena *arena, const struct http_client_request *request,
                      struct http_client_response *ret_response)
{
    (void)client;
    int result = 0;
    struct exchange *exchange;
    TRY(exchange_new(&exchange, request));
    task_step("fetch");
    network.counts.exchanges++;
    bool is_late = false;
    if (!exchange->peer || strikes(network.faults.refused_permille, &network.counts.refused)) {
        result = ERR_UNAVAILABLE;
    } else if (strikes(network.faults.request_lost_permille, &network.counts.request_lost) ||
               (is_late = strikes(network.faults.request_late_permille, &network.counts.request_late))) {
        if (is_late)
            send_late(request);
        task_sleep_until(clock_monotonic_ns() + request->timeout_ms * CLOCK_NS_PER_MS);
        result = ERR_DEADLINE;
    } else {
        if (strikes(network.faults.repeated_permille, &network.counts.repeated))
            send_late(request);
        result = exchange_now(exchange, arena, request, ret_response);
    }
    exchange_free(exchange);
    return result;
}
