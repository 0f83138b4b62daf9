#include "tests/memory/memory.h"

#define ALPN_1 "\x08http/1.1"
#define ALPN_2 "\x02h2"
#define LARGE_FIELD_BYTES 3000u /* a head that does not fit into an exchange */
#define FETCH_TIMEOUT_MS 4000
#define CHUNKS 3u

static char body[MEMORY_ECHO_BYTES];

static const struct question LATER = {"/later", STR_EMPTY}, BLOB = {"/blob", STR_EMPTY}, ARENA = {"/arena", STR_EMPTY},
                             EVENTS = {"/events", STR_EMPTY};

static struct question echo(void)
{
    return (struct question){"/echo", str_from(body, sizeof body)};
}

/* -- HTTP/1.1 ------------------------------------------------------------------------------------------------------ */

static void say_get(struct visitor *visitor, const char *path)
{
    char text[128];
    int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    visitor_say(visitor, str_from(text, (size_t)len));
}

/* Pipelined, in one piece: two that wait for a task, what is stashed behind them, and the first half of another. */
static void say_pipeline(struct visitor *visitor)
{
    static char text[MEMORY_ECHO_BYTES + 1000];
    int head_len = snprintf(text, sizeof text,
                            "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            "GET /blob HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            "GET /arena HTTP/1.1\r\nHost: localhost\r\n\r\n"
                            "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
                            sizeof body);
    memcpy(text + head_len, body, sizeof body);
    static const char HALF[] = "POST /echo HTTP/1.1\r\nHost: localhost\r\nX-Large: ";
    memcpy(text + head_len + sizeof body, HALF, sizeof HALF - 1);
    visitor_say(visitor, str_from(text, (size_t)head_len + sizeof body + sizeof HALF - 1));
}

static void say_rest_of_head(struct visitor *visitor)
{
    char large[LARGE_FIELD_BYTES];
    memset(large, 'x', sizeof large);
    visitor_say(visitor, str_from(large, sizeof large));
    visitor_say(visitor, STR("\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

static void say_chunks(struct visitor *visitor)
{
    char head[32];
    size_t part = sizeof body / CHUNKS, sent = 0;
    for (unsigned i = 0; i < CHUNKS; i++) {
        size_t len = i + 1 < CHUNKS ? part : sizeof body - sent;
        int head_len = snprintf(head, sizeof head, "%zx\r\n", len);
        visitor_say(visitor, str_from(head, (size_t)head_len));
        visitor_say(visitor, str_from(body + sent, len));
        visitor_say(visitor, STR("\r\n"));
        sent += len;
    }
    visitor_say(visitor, STR("0\r\n\r\n"));
}

/* How many of the answers were good ones; those behind a refusal do not come. */
static unsigned ask_http1(struct visitor *visitor)
{
    struct question large = echo();
    const struct question *questions[] = {&LATER, &LATER, &BLOB, &ARENA, &large};
    unsigned good = 0;
    say_pipeline(visitor);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        int status = visitor_hear(visitor, questions[i]);
        if (status == 0)
            return good;
        good += status == 200;
    }
    say_rest_of_head(visitor);
    if (visitor_hear(visitor, &large) != 100)
        return good;
    say_chunks(visitor);
    good += visitor_hear(visitor, &large) == 200;
    return good;
}

static unsigned ask_events1(struct visitor *visitor)
{
    say_get(visitor, EVENTS.path);
    return visitor_hear(visitor, &EVENTS) == 200;
}

static unsigned ask_http2(struct visitor *visitor)
{
    const struct question questions[] = {echo(), LATER, BLOB, ARENA, EVENTS, echo()};
    return visitor_ask(visitor, questions, sizeof questions / sizeof questions[0]);
}

/* -- What holds afterwards ----------------------------------------------------------------------------------------- */

/* A flow over a connection. */
struct visit {
    unsigned (*ask)(struct visitor *visitor);
    unsigned answers; /* all of them */
    const char *alpn;
};

static void must_serve_next(const struct site *site, bool with_tls)
{
    struct visitor *visitor = visitor_open(site_port(site), with_tls, ALPN_1);
    if (!visitor)
        violated("the next connection was not taken");
    say_get(visitor, BLOB.path);
    if (visitor_hear(visitor, &BLOB) != 200)
        violated("the next connection was not served");
    visitor_close(visitor);
}

static void begin(uint64_t number, struct strike *strike)
{
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('A' + i % 26);
    allocations_arm(number, strike);
}

/* Starts it, with what may fail; where that did, it starts the next time. */
static struct site *start_site(const struct test_certificate *certificate, const struct strike *strike)
{
    struct site *site = NULL;
    allocations_spare(false);
    int error = site_start(&site, certificate);
    allocations_spare(true);
    if (error < 0 && (!strike->is_done || site_start(&site, certificate) < 0))
        violated("the server does not start: %d", error);
    return site;
}

static void end(struct site *site, long live_before)
{
    site_stop(site);
    if (allocations_live() != live_before)
        violated("%ld blocks more than before", allocations_live() - live_before);
}

static void run_visit(const struct visit *visit, uint64_t number, struct strike *strike,
                      const struct test_certificate *certificate)
{
    long live_before = allocations_live();
    begin(number, strike);
    struct site *site = start_site(certificate, strike);
    struct visitor *visitor = visitor_open(site_port(site), certificate != NULL, visit->alpn);
    unsigned good = visitor ? visit->ask(visitor) : 0;
    visitor_close(visitor);
    allocations_disarm();
    if (!strike->is_done && good != visit->answers)
        violated("%u of %u answers, though nothing failed", good, visit->answers);
    must_serve_next(site, certificate != NULL);
    end(site, live_before);
}

/* -- The client by libcurl ----------------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 8192);
    *ret_len = file && text ? fread(text, 1, 8192, file) : 0;
    if (*ret_len == 0)
        violated("the certificate cannot be read");
    fclose(file);
    return text;
}

/* 0, or the error. */
static int open_client(struct http_client **ret_client, const struct test_certificate *certificate)
{
    size_t len = 0;
    char *pem = certificate ? read_file(certificate->certificate_path, &len) : NULL;
    struct http_client *client = NULL;
    allocations_spare(false);
    int error = http_client_new(&client, 1);
    if (error == 0 && certificate)
        error = http_client_trust(client, str_from(pem, len));
    allocations_spare(true);
    free(pem);
    if (error < 0)
        http_client_free(client);
    else
        *ret_client = client;
    return error;
}

static bool is_right(const struct http_client_response *response, const struct question *question)
{
    bool has_field = false, has_kept_field = false;
    for (size_t i = 0; i < response->header_count; i++) {
        const struct http_header *header = &response->headers[i];
        has_field |= str_equal(header->name, STR(SITE_FIELD)) && str_equal(header->value, STR(SITE_FIELD_VALUE));
        has_kept_field |=
            str_equal(header->name, STR(SITE_KEPT_FIELD)) && str_equal(header->value, STR(SITE_KEPT_VALUE));
    }
    return has_field && has_kept_field &&
           str_equal(response->body, site_expected(str_from_cstr(question->path), question->body));
}

/* Whether the answer is 200. Anything else is an error that tells of memory or of a connection that is gone. */
static bool fetch(struct http_client *client, const struct site *site, bool with_tls, const struct question *question)
{
    char url[128];
    snprintf(url, sizeof url, "%s://localhost:%d%s", with_tls ? "https" : "http", site_port(site), question->path);
    struct http_header fields[] = {{STR("X-Question"), STR("one")}, {STR("X-Empty"), STR_EMPTY}};
    struct http_client_request request = {.method = question->body.len > 0 ? HTTP_POST : HTTP_GET,
                                          .url = str_from_cstr(url),
                                          .headers = fields,
                                          .header_count = 2,
                                          .body = question->body,
                                          .timeout_ms = FETCH_TIMEOUT_MS,
                                          .body_bytes_max = MEMORY_ANSWER_BYTES};
    struct http_client_response response = {0};
    allocations_spare(false);
    struct arena *arena = arena_new(1u << 20);
    int error = arena ? http_client_fetch(client, arena, &request, &response) : ERR_NO_MEMORY;
    allocations_spare(true);
    if (error < 0 && error != ERR_NO_MEMORY && error != ERR_UNAVAILABLE)
        violated("%s: a fetch ended with %d", question->path, error);
    if (error == 0 && response.status != 503 && (response.status != 200 || !is_right(&response, question)))
        violated("%s: a fetch brought a false answer of %d", question->path, response.status);
    arena_free(arena);
    return error == 0 && response.status == 200;
}

static void run_fetches(uint64_t number, struct strike *strike, const struct test_certificate *certificate)
{
    long live_before = allocations_live();
    bool with_tls = certificate != NULL;
    begin(number, strike);
    struct site *site = start_site(certificate, strike);
    struct http_client *client = NULL;
    const struct question questions[] = {BLOB, echo(), LATER};
    size_t good = 0;
    if (open_client(&client, certificate) < 0 && (!strike->is_done || open_client(&client, certificate) < 0))
        violated("the client cannot be made");
    for (size_t i = 0; i < 3; i++)
        good += fetch(client, site, with_tls, &questions[i]);
    allocations_disarm();
    if (!strike->is_done && good != 3)
        violated("%zu of 3 fetches, though nothing failed", good);
    if (!fetch(client, site, with_tls, &BLOB))
        violated("the next fetch fails");
    http_client_free(client);
    must_serve_next(site, with_tls);
    end(site, live_before);
}

/* -- The flows ----------------------------------------------------------------------------------------------------- */

static const struct visit HTTP1 = {ask_http1, 6, ALPN_1}, HTTP2 = {ask_http2, 6, ALPN_2},
                          EVENTS1 = {ask_events1, 1, ALPN_1};

const struct flow flows[] = {
    {"http1", &HTTP1, false},       {"http2", &HTTP2, false},    {"events", &EVENTS1, false},
    {"fetches", NULL, false},       {"http1-tls", &HTTP1, true}, {"http2-tls", &HTTP2, true},
    {"events-tls", &EVENTS1, true}, {"fetches-tls", NULL, true},
};
const size_t flow_count = sizeof flows / sizeof flows[0];

void flow_run(const struct flow *flow, uint64_t number, struct strike *strike,
              const struct test_certificate *certificate)
{
    certificate = flow->with_tls ? certificate : NULL;
    if (flow->visit)
        run_visit(flow->visit, number, strike, certificate);
    else
        run_fetches(number, strike, certificate);
}
