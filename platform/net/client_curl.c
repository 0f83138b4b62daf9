/* The HTTP client on libcurl. Each fetch runs on the calling task, on a handle taken from a pool; a handle keeps its
 * connections open between its fetches, so the pool of handles is the pool of connections. The handle that was used
 * last is taken first, whose connections are the most likely to be still open. */
#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "platform/base/task.h"
#include "platform/net/client.h"
#include "platform/ports/clock/clock.h"

#include <curl/curl.h>
#include <stdlib.h>

#define HEADERS_BYTES_MAX 65536u               /* of an answer, and of a request */
#define HOSTS_PER_HANDLE 4L                    /* connections that one handle keeps open */
#define CONNECTION_AGE_MAX_SECONDS 55L         /* peers commonly close after 60 s without a request */
#define DIRECT_HOSTS "localhost,127.0.0.1,::1" /* never through a proxy that the environment names */

struct http_client {
    struct task_mutex mutex;
    struct task_cond returned;
    CURL **idle; /* a stack */
    unsigned idle_count;
    unsigned open_count; /* idle and in use */
    unsigned limit;
    struct curl_blob authorities; /* NULL: the system's */
};

/* What the callbacks of one fetch collect. */
struct fetch {
    struct arena *arena;
    struct buf body;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    size_t header_bytes;
    int error; /* why a callback gave up */
};

int http_client_new(struct http_client **ret_client, unsigned connections_max)
{
    ASSERT(connections_max > 0);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) /* counted, and thread-safe since 7.84 */
        return ERR_NO_MEMORY;
    struct http_client *client = calloc(1, sizeof *client);
    CURL **idle = calloc(connections_max, sizeof *idle);
    if (!client || !idle) {
        free(client);
        free(idle);
        curl_global_cleanup();
        return ERR_NO_MEMORY;
    }
    client->idle = idle;
    client->limit = connections_max;
    task_mutex_init(&client->mutex);
    task_cond_init(&client->returned);
    *ret_client = client;
    return 0;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    ASSERT(client->idle_count == client->open_count); /* No fetch is under way. */
    for (unsigned i = 0; i < client->idle_count; i++)
        curl_easy_cleanup(client->idle[i]);
    task_cond_destroy(&client->returned);
    task_mutex_destroy(&client->mutex);
    free(client->authorities.data);
    free(client->idle);
    free(client);
    curl_global_cleanup();
}

int http_client_trust(struct http_client *client, struct str authorities_pem)
{
    char *copy = malloc(authorities_pem.len);
    if (!copy)
        return ERR_NO_MEMORY;
    memcpy(copy, authorities_pem.ptr, authorities_pem.len);
    free(client->authorities.data);
    client->authorities = (struct curl_blob){.data = copy, .len = authorities_pem.len, .flags = CURL_BLOB_NOCOPY};
    return 0;
}

/* -- The pool ----------------------------------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *context);
static size_t on_header(char *bytes, size_t size, size_t count, void *context);

/* What libcurl does by itself, said aloud: who answers must have a certificate for the name, by a known authority. */
static void set_trust(CURL *handle, const struct http_client *client)
{
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (client->authorities.data)
        curl_easy_setopt(handle, CURLOPT_CAINFO_BLOB, &client->authorities);
}

/* A handle with the options that no fetch changes: to set them each time costs a copy of each text. */
static CURL *new_handle(const struct http_client *client)
{
    CURL *handle = curl_easy_init();
    if (!handle)
        return NULL;
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(handle, CURLOPT_NOPROXY, DIRECT_HOSTS);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L); /* Signals and threads do not go together. */
    curl_easy_setopt(handle, CURLOPT_MAXCONNECTS, HOSTS_PER_HANDLE);
    curl_easy_setopt(handle, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_MAX_SECONDS);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "shopstream");
    set_trust(handle, client);
    return handle;
}

static int take_handle(struct http_client *client, int64_t deadline_ns, CURL **ret_handle)
{
    TASK_LOCKED(&client->mutex);
    while (client->idle_count == 0 && client->open_count == client->limit) {
        if (!task_cond_wait_until(&client->returned, &client->mutex, deadline_ns) && client->idle_count == 0)
            return ERR_DEADLINE;
    }
    if (client->idle_count > 0) {
        *ret_handle = client->idle[--client->idle_count];
        return 0;
    }
    CURL *handle = new_handle(client);
    if (!handle)
        return ERR_NO_MEMORY;
    client->open_count++;
    *ret_handle = handle;
    return 0;
}

static void give_back_handle(struct http_client *client, CURL *handle)
{
    /* What was the fetch's own is gone when it returns. */
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, NULL);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, NULL);
    TASK_LOCKED(&client->mutex);
    client->idle[client->idle_count++] = handle;
    task_cond_signal(&client->returned);
}

/* -- Answers ------------------------------------------------------------------------------------------------------ */

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;
    buf_append(&fetch->body, str_from(bytes, size * count));
    fetch->error = buf_error(&fetch->body);
    return fetch->error ? CURL_WRITEFUNC_ERROR : size * count;
}

static int take_header(struct fetch *fetch, struct str line)
{
    if (str_starts_with(line, STR("HTTP/"))) { /* the final answer behind an interim one begins anew */
        fetch->header_count = 0;
        return 0;
    }
    ptrdiff_t colon = str_find_char(line, ':');
    if (colon <= 0)
        return 0;
    fetch->header_bytes += line.len;
    if (fetch->header_count == HTTP_HEADERS_MAX || fetch->header_bytes > HEADERS_BYTES_MAX)
        return ERR_TOO_LARGE;
    char *name = arena_cstr(fetch->arena, str_slice(line, 0, (size_t)colon));
    struct str value = str_trim(str_skip(line, (size_t)colon + 1));
    struct str copy = arena_copy(fetch->arena, value);
    if (!name || (value.len > 0 && !copy.ptr))
        return ERR_NO_MEMORY;
    for (char *c = name; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c | 0x20);
    }
    fetch->headers[fetch->header_count++] = (struct http_header){str_from_cstr(name), copy};
    return 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;
    struct str line = str_from(bytes, size * count);
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    fetch->error = take_header(fetch, line);
    return fetch->error ? CURL_WRITEFUNC_ERROR : size * count;
}

static int error_of(CURLcode code, const struct fetch *fetch)
{
    if (fetch->error)
        return fetch->error;
    switch (code) {
    case CURLE_OK:
        return 0;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_DEADLINE;
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED:
        return ERR_INVALID; /* the latter for a user's name in the URL */
    case CURLE_FILESIZE_EXCEEDED:
        return ERR_TOO_LARGE;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NO_MEMORY;
    default:
        return ERR_UNAVAILABLE;
    }
}

/* -- Requests ----------------------------------------------------------------------------------------------------- */

static bool has_control_character(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return true;
    }
    return false;
}

static int append_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *grown = line ? curl_slist_append(*list, line) : NULL;
    if (!grown)
        return ERR_NO_MEMORY;
    *list = grown;
    return 0;
}

static int build_headers(struct arena *arena, const struct http_client_request *request, struct curl_slist **ret_list)
{
    bool has_type = false;
    for (size_t i = 0; i < request->header_count; i++) {
        struct http_header header = request->headers[i];
        if (has_control_character(header.name) || has_control_character(header.value))
            return ERR_INVALID;
        has_type = has_type || str_equal_nocase(header.name, STR("content-type"));
        /* libcurl takes "Name;" for a field with an empty value; "Name:" would remove it. */
        const char *line = header.value.len > 0
                               ? arena_printf(arena, "%.*s: %.*s", STR_FORMAT(header.name), STR_FORMAT(header.value))
                               : arena_printf(arena, "%.*s;", STR_FORMAT(header.name));
        TRY(append_line(ret_list, line));
    }
    TRY(append_line(ret_list, "Expect:"));                        /* no waiting for 100 Continue */
    return has_type ? 0 : append_line(ret_list, "Content-Type:"); /* nor the type of a form */
}

/* Whatever the fetch before was. HTTPGET takes back what HEAD and a body have set. */
static void set_method(CURL *handle, const struct http_client_request *request)
{
    bool is_head = request->method == HTTP_HEAD;
    bool has_body = request->body.len > 0 || request->method == HTTP_POST || request->method == HTTP_PUT ||
                    request->method == HTTP_PATCH;
    curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, is_head ? NULL : http_method_name(request->method));
    curl_easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE, is_head ? (curl_off_t)0 : (curl_off_t)request->body_bytes_max);
    if (is_head) {
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (has_body) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.ptr : "");
    }
}

static void set_options(CURL *handle, const char *url, struct curl_slist *headers, int64_t timeout_ms,
                        struct fetch *fetch)
{
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, fetch);
}

static int run(CURL *handle, struct fetch *fetch, const struct http_client_request *request, const char *url,
               struct curl_slist *headers, int64_t timeout_ms, struct http_client_response *ret_response)
{
    set_options(handle, url, headers, timeout_ms, fetch);
    set_method(handle, request);
    TRY(error_of(curl_easy_perform(handle), fetch));
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    struct http_client_response response = {.status = (int)status, .header_count = fetch->header_count};
    struct http_header *kept = arena_alloc_array(fetch->arena, fetch->header_count + 1, sizeof *kept);
    response.body = arena_copy(fetch->arena, buf_str(&fetch->body));
    if (!kept || (fetch->body.len > 0 && !response.body.ptr))
        return ERR_NO_MEMORY;
    memcpy(kept, fetch->headers, fetch->header_count * sizeof *kept);
    response.headers = kept;
    *ret_response = response;
    return 0;
}

int http_client_fetch(struct http_client *client, struct arena *arena, const struct http_client_request *request,
                      struct http_client_response *ret_response)
{
    ASSERT(request->timeout_ms > 0 && request->method < HTTP_METHOD_COUNT);
    int64_t deadline_ns = clock_monotonic_ns() + request->timeout_ms * CLOCK_NS_PER_MS;
    /* The scheme is checked here, because libcurl's error for another one is also that for an answer in HTTP/0.9. */
    if ((!str_starts_with(request->url, STR("http://")) && !str_starts_with(request->url, STR("https://"))) ||
        has_control_character(request->url))
        return ERR_INVALID;
    const char *url = arena_cstr(arena, request->url);
    if (!url)
        return ERR_NO_MEMORY;
    CURL *handle = NULL;
    TRY(take_handle(client, deadline_ns, &handle));
    struct curl_slist *headers = NULL;
    struct fetch fetch = {.arena = arena, .body = BUF(request->body_bytes_max)};
    int error = build_headers(arena, request, &headers);
    int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / CLOCK_NS_PER_MS; /* 0 would be for ever to libcurl */
    if (error == 0)
        error = run(handle, &fetch, request, url, headers, left_ms > 0 ? left_ms : 1, ret_response);
    give_back_handle(client, handle);
    curl_slist_free_all(headers);
    buf_free(&fetch.body);
    return error;
}
