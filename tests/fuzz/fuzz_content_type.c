/* A body that is neither JSON nor the import's CSV is refused by its head: multipart and protobuf's binary form, which
 * nothing parses, and whatever else a Content-Type may say. The request goes its whole way through a host, as somebody
 * whom the row lets in, and its body lies in memory that must not be read. (It has no Idempotency-Key: the bytes that
 * come with one are hashed, whatever they are.)
 *
 * Input: a byte that chooses the row, a line for Content-Type, the body. */
#include "platform/service/test_host.h"
#include "tests/fuzz/fuzz.h"

#include <sanitizer/asan_interface.h>

#define PATH_BYTES 128
#define ROWS_MAX 64

extern const struct service catalog_service, orders_service;
static const struct service *const services[] = {&catalog_service, &orders_service, NULL};

struct row {
    enum http_method method;
    char path[PATH_BYTES];
    bool is_import; /* whose body is the CSV itself */
};

static struct test_host host;
static const char *administrator;
static struct row rows[ROWS_MAX];
static size_t row_count;

/* With a name in place of each parameter. */
static void write_path(struct row *row, const struct service *service, const struct route *route)
{
    const char *open = strchr(route->path, '{'), *close = open ? strchr(open, '}') : NULL;
    int length = open ? (int)(open - route->path) : (int)strlen(route->path);
    snprintf(row->path, sizeof(row->path), "/api/%s%.*s%s%s", service->name, length, route->path, open ? "x" : "",
             close ? close + 1 : "");
}

static void add_row(const struct service *service, const struct route *route)
{
    static const enum http_method methods[] = {HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE};
    for (size_t i = 0; route->method && i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(http_method_name(methods[i]), route->method) != 0)
            continue;
        ASSERT(row_count < ROWS_MAX);
        rows[row_count] = (struct row){.method = methods[i], .is_import = route->raw != NULL};
        write_path(&rows[row_count++], service, route);
    }
}

static void start(void)
{
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    test_host_start(&host, services, NULL);
    administrator = test_host_bearer(&host, "admin", ROLE_ADMIN);
    for (size_t i = 0; services[i]; i++) {
        for (const struct route *route = services[i]->routes; route->path || route->rpc; route++)
            add_row(services[i], route);
    }
    ASSERT(row_count > 5);
}

/* Whether the row reads such a body: by the media type before any parameters (RFC 9110, 8.3.1). */
static bool is_taken(const struct row *row, struct str type)
{
    ptrdiff_t parameters = str_find_char(type, ';');
    struct str essence = str_trim(parameters < 0 ? type : str_slice(type, 0, (size_t)parameters));
    return str_equal_nocase(essence, row->is_import ? STR("text/csv") : STR("application/json"));
}

static int ask(const struct row *row, struct str type, struct str body)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct http_header headers[] = {{STR("authorization"), str_from_cstr(administrator)}, {STR("content-type"), type}};
    const struct http_request request = {.method = row->method,
                                         .target = str_from_cstr(row->path),
                                         .path = str_from_cstr(row->path),
                                         .host = STR("localhost"),
                                         .scheme = STR("http"),
                                         .body = body,
                                         .peer = STR("127.0.0.1"),
                                         .headers = headers,
                                         .header_count = sizeof(headers) / sizeof(headers[0]),
                                         .version = 11};
    struct http_response response = {0};
    ASSERT(arena && host_handle(host.host, NULL, &request, arena, &response) == 0);
    http_blob_unref(response.blob);
    http_blob_unref(response.head_blob);
    return response.status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_from(data, size);
    if (row_count == 0)
        start();
    if (size == 0)
        return 0;
    const struct row *row = &rows[data[0] % row_count];
    rest = str_skip(rest, 1);
    struct str type = fuzz_take_line(&rest);
    if (rest.len == 0 || is_taken(row, type))
        return 0;
    char *body = malloc(rest.len);
    ASSERT(body);
    memcpy(body, rest.ptr, rest.len);
    ASAN_POISON_MEMORY_REGION(body, rest.len);
    int status = ask(row, type, str_from(body, rest.len));
    ASAN_UNPOISON_MEMORY_REGION(body, rest.len);
    free(body);
    ASSERT(status == 415);
    return 0;
}
