#include "platform/net/server_internal.h" /* for llhttp, whose names it keeps apart from ours */
#include "tests/memory/memory.h"

#include <openssl/err.h>

#define FIELD_BYTES 64
#define QUESTIONS_MAX 8u
#define SAID_BYTES_MAX (2 * (int)MEMORY_ECHO_BYTES)

struct answer {
    int status;
    size_t body_len;
    char body[MEMORY_ANSWER_BYTES];
    char name[FIELD_BYTES]; /* HTTP/1.1: of the field that is read */
    bool has_field, has_kept_field;
    bool is_over; /* HTTP/1.1: whole; HTTP/2: its stream is closed */
    uint32_t error_code;
    struct str upload;
    const struct question *question;
};

struct visitor {
    int descriptor;
    SSL_CTX *context;
    SSL *ssl; /* NULL in plain text */
    bool is_ended;
    llhttp_t parser;
    struct answer answers[QUESTIONS_MAX]; /* HTTP/1.1 has the first alone */
    unsigned answer_count;
    char input[65536]; /* read and not yet parsed */
    struct str rest;
};

/* -- Bytes --------------------------------------------------------------------------------------------------------- */

/* Every read and write is bounded by the socket's time-out: whoever waits longer waits for ever. */
static void take_end_of_ssl(struct visitor *visitor, int result)
{
    int error = SSL_get_error(visitor->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        violated("nothing came for %d s, in TLS", READ_TIMEOUT_S);
    visitor->is_ended = true;
}

static bool shake_hands(struct visitor *visitor, const char *alpn)
{
    visitor->context = SSL_CTX_new(TLS_client_method());
    visitor->ssl = SSL_new(visitor->context);
    SSL_set_alpn_protos(visitor->ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
    /* What is said at once goes out in one piece, however many records it is: the server reads them together. */
    BIO *out = BIO_new(BIO_f_buffer());
    BIO_set_write_buffer_size(out, SAID_BYTES_MAX);
    SSL_set_bio(visitor->ssl, BIO_new_socket(visitor->descriptor, BIO_NOCLOSE),
                BIO_push(out, BIO_new_socket(visitor->descriptor, BIO_NOCLOSE)));
    int result = SSL_connect(visitor->ssl);
    if (result != 1)
        take_end_of_ssl(visitor, result);
    return result == 1;
}

struct visitor *visitor_open(int port, bool with_tls, const char *alpn)
{
    struct visitor *visitor = calloc(1, sizeof *visitor);
    visitor->descriptor = test_connect(port);
    if (with_tls && !shake_hands(visitor, alpn)) {
        visitor_close(visitor);
        return NULL;
    }
    return visitor;
}

void visitor_close(struct visitor *visitor)
{
    if (!visitor)
        return;
    SSL_free(visitor->ssl);
    SSL_CTX_free(visitor->context);
    close(visitor->descriptor);
    free(visitor);
}

void visitor_say(struct visitor *visitor, struct str bytes)
{
    if (!visitor->ssl) {
        (void)test_send(visitor->descriptor, bytes);
        return;
    }
    /* What came before the server's end can still be read, so a failed write is no end yet. */
    (void)SSL_write(visitor->ssl, bytes.ptr, (int)bytes.len);
    (void)BIO_flush(SSL_get_wbio(visitor->ssl));
    ERR_clear_error();
}

static void fill(struct visitor *visitor)
{
    ssize_t count;
    if (visitor->ssl) {
        count = SSL_read(visitor->ssl, visitor->input, sizeof visitor->input);
        if (count <= 0)
            take_end_of_ssl(visitor, (int)count);
    } else {
        count = recv(visitor->descriptor, visitor->input, sizeof visitor->input, 0);
        if (count < 0 && errno == EAGAIN)
            violated("nothing came for %d s", READ_TIMEOUT_S);
        visitor->is_ended = count <= 0;
    }
    visitor->rest = str_from(visitor->input, count > 0 ? (size_t)count : 0);
}

/* -- Answers ------------------------------------------------------------------------------------------------------- */

static void take_body(struct answer *answer, const void *bytes, size_t len)
{
    if (len > sizeof answer->body - answer->body_len)
        violated("%s: an answer that is too long", answer->question->path);
    memcpy(answer->body + answer->body_len, bytes, len);
    answer->body_len += len;
}

static void take_field(struct answer *answer, struct str name, struct str value)
{
    if (str_equal_nocase(name, STR(SITE_FIELD)))
        answer->has_field = str_equal(value, STR(SITE_FIELD_VALUE));
    if (str_equal_nocase(name, STR(SITE_KEPT_FIELD)))
        answer->has_kept_field = str_equal(value, STR(SITE_KEPT_VALUE));
}

/* A whole answer is the right one, or says that there was no memory. */
static void judge(const struct answer *answer)
{
    const struct question *question = answer->question;
    if (answer->status == 503 || answer->status == 100)
        return;
    if (answer->status != 200)
        violated("%s: answered by %d", question->path, answer->status);
    if (!str_equal(str_from(answer->body, answer->body_len),
                   site_expected(str_from_cstr(question->path), question->body)))
        violated("%s: a false body of %zu bytes", question->path, answer->body_len);
    if (!answer->has_field || !answer->has_kept_field)
        violated("%s: 200 without all of its fields", question->path);
}

/* -- HTTP/1.1 ------------------------------------------------------------------------------------------------------ */

static struct answer *answer_of(llhttp_t *parser)
{
    struct visitor *visitor = parser->data;
    return &visitor->answers[0];
}

/* Names and values are short here, but may come in two reads. */
static int on_name(llhttp_t *parser, const char *bytes, size_t len)
{
    struct answer *answer = answer_of(parser);
    size_t known = strlen(answer->name);
    snprintf(answer->name + known, sizeof answer->name - known, "%.*s", (int)len, bytes);
    return 0;
}

static int on_value(llhttp_t *parser, const char *bytes, size_t len)
{
    struct answer *answer = answer_of(parser);
    take_field(answer, str_from_cstr(answer->name), str_from(bytes, len));
    return 0;
}

static int on_value_complete(llhttp_t *parser)
{
    answer_of(parser)->name[0] = '\0';
    return 0;
}

static int on_bytes(llhttp_t *parser, const char *bytes, size_t len)
{
    take_body(answer_of(parser), bytes, len);
    return 0;
}

static int on_whole(llhttp_t *parser)
{
    struct answer *answer = answer_of(parser);
    answer->status = parser->status_code;
    answer->is_over = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t SETTINGS = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_body = on_bytes,
    .on_message_complete = on_whole,
};

static void parse(struct visitor *visitor)
{
    llhttp_errno_t error = llhttp_execute(&visitor->parser, visitor->rest.ptr, visitor->rest.len);
    if (error == HPE_OK) {
        visitor->rest = STR_EMPTY;
        return;
    }
    if (error != HPE_PAUSED)
        violated("no HTTP/1.1: %s", llhttp_get_error_reason(&visitor->parser));
    const char *end = llhttp_get_error_pos(&visitor->parser);
    visitor->rest = str_skip(visitor->rest, (size_t)(end - visitor->rest.ptr));
}

int visitor_hear(struct visitor *visitor, const struct question *question)
{
    struct answer *answer = &visitor->answers[0];
    answer->status = 0;
    answer->body_len = 0;
    answer->name[0] = '\0';
    answer->has_field = answer->has_kept_field = answer->is_over = false;
    answer->question = question;
    llhttp_init(&visitor->parser, HTTP_RESPONSE, &SETTINGS);
    visitor->parser.data = visitor;
    while (!answer->is_over) {
        if (visitor->rest.len == 0)
            fill(visitor);
        if (visitor->is_ended)
            return 0;
        parse(visitor);
    }
    judge(answer);
    return answer->status;
}

/* -- HTTP/2 -------------------------------------------------------------------------------------------------------- */

static struct answer *answer_on(struct visitor *visitor, int32_t stream_id)
{
    if (stream_id <= 0 || (unsigned)stream_id / 2 >= QUESTIONS_MAX)
        violated("a stream that nobody has opened: %d", stream_id);
    return &visitor->answers[stream_id / 2];
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *context)
{
    (void)session;
    (void)flags;
    struct answer *answer = answer_on(context, frame->hd.stream_id);
    if (str_equal(str_from(name, name_len), STR(":status")))
        answer->status = atoi((const char *)value);
    take_field(answer, str_from(name, name_len), str_from(value, value_len));
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data, size_t len,
                   void *context)
{
    (void)session;
    (void)flags;
    take_body(answer_on(context, stream_id), data, len);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *context)
{
    (void)session;
    struct visitor *visitor = context;
    struct answer *answer = answer_on(visitor, stream_id);
    answer->is_over = true;
    answer->error_code = error_code;
    visitor->answer_count++;
    return 0;
}

static ssize_t on_upload(nghttp2_session *session, int32_t stream_id, uint8_t *buffer, size_t capacity,
                         uint32_t *data_flags, nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)stream_id;
    (void)context;
    struct answer *answer = source->ptr;
    size_t len = answer->upload.len < capacity ? answer->upload.len : capacity;
    memcpy(buffer, answer->upload.ptr, len);
    answer->upload = str_skip(answer->upload, len);
    if (answer->upload.len == 0)
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)len;
}

static nghttp2_nv field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                        NGHTTP2_NV_FLAG_NONE};
}

/* Two cookies, which the server joins, and a field that does not fit beside the others in an exchange. */
static void ask_one(struct visitor *visitor, nghttp2_session *session, const struct question *question)
{
    static char large[2500];
    memset(large, 'x', sizeof large - 1);
    bool has_body = question->body.len > 0;
    nghttp2_nv fields[] = {field(":method", has_body ? "POST" : "GET"),
                           field(":scheme", visitor->ssl ? "https" : "http"),
                           field(":authority", "localhost"),
                           field(":path", question->path),
                           field("cookie", "a=1"),
                           field("cookie", "b=2"),
                           field("x-large", large)};
    struct answer answer = {.question = question, .upload = question->body};
    unsigned number = (unsigned)nghttp2_session_get_next_stream_id(session) / 2;
    visitor->answers[number] = answer;
    nghttp2_data_provider provider = {.source.ptr = &visitor->answers[number], .read_callback = on_upload};
    if (nghttp2_submit_request(session, NULL, fields, sizeof fields / sizeof fields[0], has_body ? &provider : NULL,
                               NULL) < 0)
        violated("the visitor cannot ask");
}

static nghttp2_session *begin_session(struct visitor *visitor)
{
    nghttp2_session *session = NULL;
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&session, callbacks, visitor);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
    return session;
}

static void send_session(struct visitor *visitor, nghttp2_session *session)
{
    const uint8_t *bytes = NULL;
    for (ssize_t len; (len = nghttp2_session_mem_send(session, &bytes)) > 0;)
        visitor_say(visitor, str_from(bytes, (size_t)len));
}

/* A stream that was reset has no answer, whatever came of it before. */
static unsigned judge_streams(const struct visitor *visitor, unsigned count)
{
    unsigned good = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct answer *answer = &visitor->answers[i];
        if (!answer->is_over || answer->error_code != NGHTTP2_NO_ERROR)
            continue;
        judge(answer);
        good += answer->status == 200;
    }
    return good;
}

unsigned visitor_ask(struct visitor *visitor, const struct question *questions, unsigned count)
{
    nghttp2_session *session = begin_session(visitor);
    for (unsigned i = 0; i < count; i++)
        ask_one(visitor, session, &questions[i]);
    send_session(visitor, session);
    while (visitor->answer_count < count && !visitor->is_ended) {
        fill(visitor);
        if (visitor->rest.len > 0 &&
            nghttp2_session_mem_recv(session, (const uint8_t *)visitor->rest.ptr, visitor->rest.len) < 0)
            violated("no HTTP/2");
        send_session(visitor, session);
    }
    nghttp2_session_del(session); /* without callbacks */
    return judge_streams(visitor, count);
}
