#include "tests/memory/memory.h"

#define TASKS_MAX 32u
#define PIPELINED_MAX 2u /* so that what comes behind two requests is stashed */
#define DRAIN_S 5

struct site {
    struct http_server *server;
    struct tls_identity *identity;
    struct task *tasks[TASKS_MAX]; /* the loop's alone until it has ended */
    unsigned task_count;
    atomic_uint streams_given, streams_ended;
};

/* A stream's writer. */
struct writer {
    struct http_stream *stream;
};

static char pattern[MEMORY_BLOB_BYTES];
static char events[MEMORY_EVENTS * MEMORY_EVENT_BYTES_MAX];
static size_t events_len;

/* Small pieces, which are copied, and large ones, which are held. */
static size_t event_bytes(unsigned number)
{
    return number % 4 == 3 ? MEMORY_EVENT_BYTES_MAX : 40;
}

static void fill_patterns(void)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)('a' + i % 23);
    events_len = 0;
    for (unsigned i = 0; i < MEMORY_EVENTS; i++) {
        memset(events + events_len, (char)('a' + i), event_bytes(i));
        events_len += event_bytes(i);
    }
}

struct str site_expected(struct str path, struct str body)
{
    if (str_equal(path, STR("/echo")) || str_equal(path, STR("/later")))
        return body;
    if (str_equal(path, STR("/events")))
        return str_from(events, events_len);
    return str_from(pattern, sizeof pattern);
}

/* -- Answers ------------------------------------------------------------------------------------------------------- */

static void refuse(struct http_exchange *exchange)
{
    struct http_response response = {.status = 503, .body = STR("out of memory")};
    if (allocations_plant_comes(PLANT_ANSWER))
        response.status = 200;
    if (!allocations_plant_comes(PLANT_WAIT))
        http_exchange_respond(exchange, &response);
}

/* Gives up what the response holds where it cannot be whole. */
static void answer(struct http_exchange *exchange, struct http_response response)
{
    response.status = 200;
    response.head_blob = http_blob_new(STR(SITE_KEPT_FIELD ": " SITE_KEPT_VALUE "\r\n"));
    if (!response.head_blob) {
        http_blob_unref(response.blob);
        refuse(exchange);
        return;
    }
    http_response_header(&response, STR("X-Site"), STR(SITE_FIELD_VALUE));
    http_exchange_respond(exchange, &response);
}

static void answer_echo(void *context)
{
    struct http_exchange *exchange = context;
    answer(exchange, (struct http_response){.body = http_exchange_request(exchange)->body});
}

static void answer_blob(struct http_exchange *exchange)
{
    struct http_blob *blob = http_blob_new(str_from(pattern, sizeof pattern));
    if (blob)
        answer(exchange, (struct http_response){.blob = blob});
    else
        refuse(exchange);
}

static void answer_arena(struct http_exchange *exchange)
{
    struct str copy = arena_copy(http_exchange_arena(exchange), str_from(pattern, sizeof pattern));
    if (copy.ptr)
        answer(exchange, (struct http_response){.body = copy});
    else
        refuse(exchange);
}

static void write_events(void *context)
{
    struct writer *writer = context;
    size_t offset = 0;
    for (unsigned i = 0; i < MEMORY_EVENTS; i++) {
        struct str piece = str_from(events + offset, event_bytes(i));
        struct http_blob *blob = http_blob_new(piece);
        if (!blob) /* which fails once */
            blob = http_blob_new(piece);
        int error = http_stream_write(writer->stream, blob);
        http_blob_unref(blob);
        if (error < 0)
            break;
        offset += piece.len;
    }
    http_stream_close(writer->stream);
    http_stream_unref(writer->stream);
    free(writer);
}

static void on_stream_end(void *context, enum http_stream_end end)
{
    (void)end;
    struct site *site = context;
    atomic_fetch_add(&site->streams_ended, 1);
}

static bool start_task(struct site *site, task_fn *fn, void *argument)
{
    if (site->task_count == TASKS_MAX)
        violated("more requests than the site has tasks for");
    if (task_start(&site->tasks[site->task_count], "answer", fn, argument) < 0)
        return false;
    site->task_count++;
    return true;
}

static void answer_events(struct site *site, struct http_exchange *exchange)
{
    struct http_blob *head = http_blob_new(STR(SITE_KEPT_FIELD ": " SITE_KEPT_VALUE "\r\n"));
    struct http_stream *stream = http_stream_new(sizeof events * 2, on_stream_end, site);
    struct writer *writer = malloc(sizeof *writer);
    if (head && stream && writer) {
        *writer = (struct writer){http_stream_ref(stream)};
        if (start_task(site, write_events, writer)) {
            struct http_response response = {.status = 200, .stream = stream, .head_blob = head};
            http_response_header(&response, STR("X-Site"), STR(SITE_FIELD_VALUE));
            atomic_fetch_add(&site->streams_given, 1);
            http_exchange_respond(exchange, &response);
            return;
        }
        http_stream_unref(stream);
    }
    http_blob_unref(head);
    http_stream_unref(stream);
    free(writer);
    refuse(exchange);
}

static void on_request(void *context, struct http_exchange *exchange)
{
    struct site *site = context;
    struct str path = http_exchange_request(exchange)->path;
    if (str_equal(path, STR("/later"))) {
        if (!start_task(site, answer_echo, exchange))
            refuse(exchange);
    } else if (str_equal(path, STR("/events"))) {
        answer_events(site, exchange);
    } else if (str_equal(path, STR("/blob"))) {
        answer_blob(exchange);
    } else if (str_equal(path, STR("/arena"))) {
        answer_arena(exchange);
    } else {
        answer_echo(exchange);
    }
}

/* -- Start and end ------------------------------------------------------------------------------------------------- */

static int start(struct site *site, const struct test_certificate *certificate)
{
    char message[TLS_MESSAGE_BYTES] = "";
    struct http_server_config config = test_config();
    if (certificate)
        TRY(tls_identity_load(&site->identity, certificate->certificate_path, certificate->key_path, message));
    config.tls = site->identity;
    config.context = site;
    config.on_request = on_request;
    config.on_refusal = test_on_refusal;
    config.limits.pipelined_max = PIPELINED_MAX;
    return http_server_start(&site->server, &config, message);
}

int site_start(struct site **ret_site, const struct test_certificate *certificate)
{
    fill_patterns();
    struct site *site = calloc(1, sizeof *site);
    int error = site ? start(site, certificate) : ERR_NO_MEMORY;
    if (error < 0) {
        if (site)
            tls_identity_free(site->identity);
        free(site);
        return error;
    }
    *ret_site = site;
    return 0;
}

int site_port(const struct site *site)
{
    return http_server_port(site->server);
}

void site_stop(struct site *site)
{
    if (!http_server_drain(site->server, clock_monotonic_ns() + DRAIN_S * CLOCK_NS_PER_S))
        violated("a connection outlived the drain");
    for (unsigned i = 0; i < site->task_count; i++)
        task_join(site->tasks[i]);
    http_server_free(site->server);
    if (site->streams_given != site->streams_ended)
        violated("%u streams were begun, %u ended", site->streams_given, site->streams_ended);
    tls_identity_free(site->identity);
    free(site);
}
