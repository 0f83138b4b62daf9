/* Answers: from a reply, a replay, the cache, or a problem. */
#include "platform/base/hash.h"
#include "platform/base/time_format.h"
#include "platform/service/compression.h"
#include "platform/service/host.h"
#include "platform/service/request_parts.h"
#include "platform/wire/wire.h"

#include <stdio.h>

#define REPLY_BYTES_MAX (4u << 20)
#define HEAD_BYTES_MAX (16u << 10)

/* Fixed, so that the same bytes have the same ETag in every process and after a restart. */
static const struct hash_key etag_key = {{0, 0}};

int reply_json(struct call *call, const ProtobufCMessage *message, struct str *ret_json)
{
    CLEANUP(buf_free) struct buf buf = BUF(REPLY_BYTES_MAX);

    wire_to_json(message, &buf);
    TRY(buf_error(&buf));
    struct str copy = arena_copy(call->arena, buf_str(&buf));
    if (!copy.ptr)
        return ERR_NO_MEMORY;
    *ret_json = copy;
    return 0;
}

/* What is read has one; what is answered to a change, where it shows what can be changed again by its version. */
static bool has_etag(const struct call *call)
{
    return call->reply->has_version || !call->http || http_is_read(call->http);
}

static void make_etag(struct call_reply *reply, uint64_t hash)
{
    snprintf(reply->etag, sizeof(reply->etag), "\"%lld-%016llx\"", (long long)(reply->has_version ? reply->version : 0),
             (unsigned long long)hash);
}

void call_set_etag(struct call *call, uint64_t hash)
{
    if (call->reply)
        make_etag(call->reply, hash);
}

int reply_encode(struct call *call)
{
    struct call_reply *reply = call->reply;

    if (reply->encoded || !reply->out)
        return 0;
    /* A message without fields says nothing: 204. */
    if (reply->out->descriptor->n_fields == 0) {
        reply->body = STR_EMPTY;
        if (!reply->status)
            reply->status = 204;
    } else {
        TRY(reply_json(call, reply->out, &reply->body));
        reply->etag[0] = '\0';
        if (has_etag(call))
            make_etag(reply, hash_keyed(&etag_key, reply->body));
    }
    if (!reply->status)
        reply->status = 200;
    reply->encoded = true;
    return 0;
}

/* What a browser may do with an answer that it was led to: nothing, and no frame shows it. A page says more itself. */
#define DATA_POLICY "default-src 'none'; frame-ancestors 'none'"

static bool has_header(const struct http_response *response, struct str name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_equal_nocase(response->headers[i].name, name))
            return true;
    }
    return false;
}

void reply_headers_add(struct request *request, struct http_response *response)
{
    for (size_t i = 0; i < request->reply.header_count; i++)
        http_response_header(response, request->reply.headers[i].name, request->reply.headers[i].value);
    reply_policy_add(response);
}

void reply_policy_add(struct http_response *response)
{
    http_response_header(response, STR("X-Content-Type-Options"), STR("nosniff"));
    if (!has_header(response, STR("Content-Security-Policy")))
        http_response_header(response, STR("Content-Security-Policy"), STR(DATA_POLICY));
    if (!has_header(response, STR("Referrer-Policy")))
        http_response_header(response, STR("Referrer-Policy"), STR("no-referrer"));
}

int call_answer(struct call *call, struct http_response *response, const char *content_type, const char *cache_control,
                struct str body)
{
    struct str copy = arena_copy(call->arena, body);

    if (body.len > 0 && !copy.ptr)
        return ERR_NO_MEMORY;
    response->status = 200;
    response->body = copy;
    http_response_header(response, STR("Content-Type"), str_from_cstr(content_type));
    http_response_header(response, STR("Cache-Control"), str_from_cstr(cache_control));
    return 0;
}

static void add_retry_after(struct request *request, struct http_response *response)
{
    int64_t retry_after_ms = request->call.problem.retry_after_ms;

    if (retry_after_ms <= 0 && response->status == 503)
        retry_after_ms = 1000;
    if (retry_after_ms <= 0)
        return;
    char *seconds = arena_printf(request->arena, "%lld", (long long)((retry_after_ms + 999) / 1000));
    if (seconds)
        http_response_header(response, STR("Retry-After"), str_from_cstr(seconds));
}

void response_from_problem(struct request *request, struct http_response *ret_response)
{
    CLEANUP(buf_free) struct buf buf = BUF(REPLY_BYTES_MAX);

    *ret_response = (struct http_response){.status = error_http_status(request->call.problem.error)};
    wire_problem_to_json(&request->call.problem, request->call.log.trace_id, &buf);
    ret_response->body = arena_copy(request->arena, buf_str(&buf));
    if (!ret_response->body.ptr)
        ret_response->blob = http_blob_new(buf_str(&buf)); /* the arena is full: perhaps that is the problem */
    http_response_header(ret_response, STR("Content-Type"), STR("application/problem+json"));
    http_response_header(ret_response, STR("Cache-Control"), STR("no-store"));
    add_retry_after(request, ret_response);
    reply_headers_add(request, ret_response);
}

static bool etag_matches(struct request *request, const char *etag)
{
    struct str header = http_header_find(request->http, "if-none-match");
    struct str candidate;

    while (header.ptr && str_next_token(&header, ',', &candidate)) {
        candidate = str_trim(candidate);
        if (str_starts_with(candidate, STR("W/")))
            candidate = str_skip(candidate, 2);
        if (str_equal_cstr(candidate, etag) || str_equal(candidate, STR("*")))
            return true;
    }
    return false;
}

/* The arena's own copy of the body, compressed; empty where that is not to be had. */
static struct str compress(struct request *request, enum content_coding coding, struct str body)
{
    CLEANUP(buf_free) struct buf coded = BUF(body.len);

    return content_encode(coding, body, &coded) < 0 ? STR_EMPTY : arena_copy(request->arena, buf_str(&coded));
}

/* Each form has a strong ETag of its own (RFC 9110, 8.8.3.3). Its version stays in front, for If-Match. */
static void mark_etag(struct request *request, struct http_response *response, struct str coding)
{
    char *etag = request->reply.etag;
    size_t len = strlen(etag);

    if (len == 0 || len + 1 + coding.len >= sizeof(request->reply.etag))
        return;
    snprintf(etag + len - 1, sizeof(request->reply.etag) - len + 1, "-%.*s\"", STR_FORMAT(coding));
    for (size_t i = 0; i < response->header_count; i++) {
        if (str_equal_cstr(response->headers[i].name, "ETag"))
            response->headers[i].value = str_from_cstr(etag);
    }
}

/* Not on the event loop, which others wait for. */
static void code_content(struct request *request, struct http_response *response)
{
    struct str body = response->blob ? http_blob_bytes(response->blob) : response->body;

    if (request->match.route->inline_ok || !http_is_read(request->http) || !content_is_compressible(response, body))
        return;
    http_response_header(response, STR("Vary"), STR("Accept-Encoding"));
    enum content_coding coding = content_coding_choose(http_header_find(request->http, "accept-encoding"), CODINGS_ALL);
    struct str coded = coding == CODING_NONE ? STR_EMPTY : compress(request, coding, body);
    if (!coded.len)
        return;
    http_blob_unref(response->blob);
    response->blob = NULL;
    response->body = coded;
    http_response_header(response, STR("Content-Encoding"), content_coding_name(coding));
    mark_etag(request, response, content_coding_name(coding));
}

static void leave_out_what_is_known(struct request *request, struct http_response *response)
{
    if (!etag_matches(request, request->reply.etag))
        return;
    response->status = 304;
    response->body = STR_EMPTY;
    http_blob_unref(response->blob);
    response->blob = NULL;
}

void response_from_reply(struct request *request, struct http_response *ret_response)
{
    struct call_reply *reply = &request->reply;

    *ret_response = (struct http_response){.status = reply->status, .body = reply->body};
    if (reply->etag[0])
        http_response_header(ret_response, STR("ETag"), str_from_cstr(reply->etag));
    if (reply->body.len)
        http_response_header(ret_response, STR("Content-Type"), STR("application/json"));
    http_response_header(ret_response, STR("Cache-Control"),
                         request->match.route->cached && !reply->sets_cookie ? STR("public, no-cache")
                                                                             : STR("private, no-store"));
    reply_headers_add(request, ret_response);
    code_content(request, ret_response);
    if (request->cache_key.len && !reply->uncacheable && ret_response->status == 200)
        response_keep(request, ret_response);
    if (http_is_read(request->http) && reply->etag[0])
        leave_out_what_is_known(request, ret_response);
}

void response_from_replay(struct request *request, struct http_response *ret_response)
{
    const struct idempotency *first = &request->idempotency;

    *ret_response = (struct http_response){.status = first->status, .body = first->body};
    if (first->status >= 400)
        http_response_header(ret_response, STR("Content-Type"), STR("application/problem+json"));
    else if (first->body.len)
        http_response_header(ret_response, STR("Content-Type"), STR("application/json"));
    if (first->etag.len)
        http_response_header(ret_response, STR("ETag"), first->etag);
    http_response_header(ret_response, STR("Idempotency-Replayed"), STR("true"));
    http_response_header(ret_response, STR("Cache-Control"), STR("private, no-store"));
    reply_headers_add(request, ret_response);
}

void response_from_cache(struct request *request, const struct cached_response *cached,
                         struct http_response *ret_response)
{
    *ret_response = (struct http_response){.status = 200, .head_blob = cached->head, .blob = cached->body};
    if (etag_matches(request, cached->etag)) {
        ret_response->status = 304;
        http_blob_unref(cached->body);
        ret_response->blob = NULL;
    }
}

/* The headers that the server is to send as they stand. */
static struct http_blob *encode_head(const struct http_response *response)
{
    CLEANUP(buf_free) struct buf buf = BUF(HEAD_BYTES_MAX);

    for (size_t i = 0; i < response->header_count; i++) {
        buf_append(&buf, response->headers[i].name);
        buf_append(&buf, STR(": "));
        buf_append(&buf, response->headers[i].value);
        buf_append(&buf, STR("\r\n"));
    }
    return buf_error(&buf) ? NULL : http_blob_new(buf_str(&buf));
}

/* Puts a copy of the answer into the cache. */
void response_keep(struct request *request, struct http_response *response)
{
    struct cached_response cached = {
        .head = encode_head(response),
        .body = response->blob ? http_blob_ref(response->blob) : http_blob_new(response->body),
    };

    if (cached.head && cached.body) {
        memcpy(cached.etag, request->reply.etag, sizeof(cached.etag));
        response_cache_put(request->host->responses, request->cache_key, request->cache_epoch, request->reply.tags,
                           request->reply.tag_count, &cached);
    }
    http_blob_unref(cached.head);
    http_blob_unref(cached.body);
}

/* -- Raw handlers -------------------------------------------------------------------------------------------------- */

void response_from_raw(struct request *request, struct http_response *response)
{
    struct call_reply *reply = &request->reply;
    struct str body = response->blob ? http_blob_bytes(response->blob) : response->body;
    bool is_whole = http_is_read(request->http) && response->status == 200;

    if (is_whole && request->match.route->cached && !reply->etag[0])
        make_etag(reply, hash_keyed(&etag_key, body));
    if (is_whole && reply->etag[0])
        http_response_header(response, STR("ETag"), str_from_cstr(reply->etag));
    reply_headers_add(request, response);
    if (is_whole)
        code_content(request, response);
    if (is_whole && request->cache_key.len && !reply->uncacheable)
        response_keep(request, response);
    if (is_whole && reply->etag[0])
        leave_out_what_is_known(request, response);
}
