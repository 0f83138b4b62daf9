/* HTTP/2 requests whose frames are right and whose fields are the input's: what a peer can say by header blocks that
 * the framing alone would never get to. Input: lines, each a step.
 *
 *   +name TAB value   a field of the head, or of the trailers
 *   =bytes            a piece of the body; the head ends before the first
 *   .                 the request ends; the next line begins another
 *
 * The bytes 1, 2 and 3 stand for a line feed, a carriage return and a NUL. The server must hand on only requests that
 * keep to RFC 9113, 8: what a proxy would write down as one HTTP/1 request. */
#include "tests/fuzz/fuzz_server.h"

#include <nghttp2/nghttp2.h>

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define FIELDS_MAX 200
#define FRAME_BYTES_MAX 16384
#define STREAMS_MAX 50

static void check_fields(const struct http_request *request)
{
    static const char *const forbidden[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding",
                                            "upgrade"};

    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
        ASSERT(fuzz_count_headers(request, forbidden[i]) == 0);
    ASSERT(fuzz_count_headers(request, "host") <= 1 && fuzz_count_headers(request, "cookie") <= 1);
    for (size_t i = 0; i < request->header_count; i++)
        ASSERT(request->headers[i].name.ptr[0] != ':');
    struct str te = http_header_find(request, "te");
    ASSERT(!te.ptr || str_equal_nocase(te, STR("trailers")));
    /* The Host that is beside the authority is the same one; the request's lacks the port. */
    struct str host = http_header_find(request, "host");
    ASSERT(!host.ptr ||
           (host.len >= request->host.len && str_equal_nocase(str_slice(host, 0, request->host.len), request->host)));
}

static void on_request(void *context, struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct http_response response = {.status = 200, .body = request->target};

    (void)context;
    ASSERT(request->version == 20);
    fuzz_check_request(request);
    check_fields(request);
    http_exchange_respond(exchange, &response);
}

/* -- The client ---------------------------------------------------------------------------------------------------- */

struct sending {
    struct buf bytes;
    nghttp2_hd_deflater *deflater;
    nghttp2_nv fields[FIELDS_MAX];
    size_t field_count;
    uint32_t stream_id;
    bool head_sent;
};

static void append_frame(struct sending *sending, uint8_t type, uint8_t flags, uint32_t stream_id, struct str payload)
{
    unsigned char head[9] = {(unsigned char)(payload.len >> 16),
                             (unsigned char)(payload.len >> 8),
                             (unsigned char)payload.len,
                             type,
                             flags,
                             (unsigned char)(stream_id >> 24),
                             (unsigned char)(stream_id >> 16),
                             (unsigned char)(stream_id >> 8),
                             (unsigned char)stream_id};

    buf_append(&sending->bytes, str_from(head, sizeof(head)));
    buf_append(&sending->bytes, payload);
}

/* The fields so far as a header block; nothing where there are none. */
static void flush_fields(struct sending *sending, bool is_end)
{
    uint8_t block[FRAME_BYTES_MAX];
    uint8_t flags = NGHTTP2_FLAG_END_HEADERS | (is_end ? NGHTTP2_FLAG_END_STREAM : 0);
    ssize_t len = nghttp2_hd_deflate_hd(sending->deflater, block, sizeof(block), sending->fields, sending->field_count);

    if (len > 0)
        append_frame(sending, NGHTTP2_HEADERS, flags, sending->stream_id, str_from(block, (size_t)len));
    sending->field_count = 0;
    sending->head_sent = true;
}

static void add_field(struct sending *sending, struct str line)
{
    ptrdiff_t tab = str_find_char(line, '\t');
    struct str name = tab < 0 ? line : str_slice(line, 0, (size_t)tab);
    struct str value = tab < 0 ? STR("") : str_skip(line, (size_t)tab + 1);

    if (sending->field_count < FIELDS_MAX)
        sending->fields[sending->field_count++] = (nghttp2_nv){
            (uint8_t *)(uintptr_t)name.ptr, (uint8_t *)(uintptr_t)value.ptr, name.len, value.len, NGHTTP2_NV_FLAG_NONE};
}

static void take_step(struct sending *sending, struct str line)
{
    struct str rest = str_skip(line, 1);

    if (line.ptr[0] == '+') {
        add_field(sending, rest);
    } else if (line.ptr[0] == '=') {
        if (!sending->head_sent)
            flush_fields(sending, false);
        append_frame(sending, NGHTTP2_DATA, 0, sending->stream_id, rest);
    } else if (line.ptr[0] == '.' && sending->stream_id < 2 * STREAMS_MAX) {
        bool has_trailers = sending->head_sent && sending->field_count > 0;
        if (!sending->head_sent || has_trailers)
            flush_fields(sending, true);
        else
            append_frame(sending, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, sending->stream_id, STR(""));
        sending->stream_id += 2;
        sending->head_sent = false;
    }
}

static void unescape(char *bytes, size_t size)
{
    static const char meant[] = {0, '\n', '\r', '\0'};

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] >= 1 && bytes[i] <= 3)
            bytes[i] = meant[(unsigned char)bytes[i]];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int port;
    struct sending sending = {.bytes = BUF(FUZZ_CONNECTION_BYTES_MAX), .stream_id = 1};
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct str rest = str_from(data, size), line;

    if (port == 0)
        port = fuzz_server_start(on_request);
    ASSERT(nghttp2_hd_deflate_new(&sending.deflater, 4096) == 0);
    buf_append(&sending.bytes, STR(PREFACE));
    append_frame(&sending, NGHTTP2_SETTINGS, 0, 0, STR(""));
    while (rest.ptr && str_next_token(&rest, '\n', &line)) {
        char *copy = line.len > 0 && line.len < FRAME_BYTES_MAX ? arena_alloc(arena, line.len) : NULL;
        if (!copy)
            continue;
        memcpy(copy, line.ptr, line.len);
        unescape(copy, line.len);
        take_step(&sending, str_from(copy, line.len));
    }
    if (buf_error(&sending.bytes) == 0)
        fuzz_exchange(port, buf_str(&sending.bytes));
    nghttp2_hd_deflate_del(sending.deflater);
    buf_free(&sending.bytes);
    return 0;
}
