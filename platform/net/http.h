/* HTTP messages as everything above the parser sees them: the same for HTTP/1.1, HTTP/2 and the simulation, where
 * requests enter here and no socket exists. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_COUNT, /* also: a method that no route has */
};

const char *http_method_name(enum http_method method);
enum http_method http_method_from(struct str name); /* HTTP_METHOD_COUNT when unknown */

struct http_header {
    struct str name; /* requests: lower case; responses: as written */
    struct str value;
};

#define HTTP_HEADERS_MAX 100

struct http_request {
    enum http_method method;
    struct str method_text; /* as sent, of whatever length; empty where no parser was */
    struct str target;      /* as sent: "/a%20b?c=d" */
    struct str path;        /* before '?', still percent-encoded; starts with '/' */
    struct str query;       /* behind '?', still encoded; empty without one */
    struct str host;        /* Host or :authority; without the port */
    struct str scheme;      /* "http" or "https": how the client speaks, be it to a proxy that is believed */
    struct str body;
    struct str peer; /* the client's address as text, without port: "127.0.0.1"; behind proxies.h, not the proxy's */
    struct str peer_names; /* the URIs that the client's certificate names, one a line; empty without */
    const struct http_header *headers;
    size_t header_count;
    unsigned version; /* 11 or 20 (10 for HTTP/1.0) */
};

/* GET or HEAD: nothing changes by it. */
static inline bool http_is_read(const struct http_request *request)
{
    return request->method == HTTP_GET || request->method == HTTP_HEAD;
}

/* The value of the first header of that name (lower case), or the empty str with a NULL ptr. */
struct str http_header_find(const struct http_request *request, const char *name);

/* Bytes shared by a cache and the responses in flight; freed with the last reference. Thread-safe. */
struct http_blob;
struct http_blob *http_blob_new(struct str bytes); /* a copy, one reference; NULL when out of memory */
struct http_blob *http_blob_ref(struct http_blob *blob);
void http_blob_unref(struct http_blob *blob);
struct str http_blob_bytes(const struct http_blob *blob);

struct http_stream; /* http_stream.h */

/* What a handler answers. Memory: everything lies in the arena that the responder was given, or in blobs.
 * Content-Length, Date and Connection are the server's; a handler never sets them. */
struct http_response {
    int status;
    struct http_header headers[24];
    size_t header_count;
    struct str body;             /* used when blob is NULL */
    struct http_blob *blob;      /* one reference, given to the server: a whole pre-encoded body */
    struct http_blob *head_blob; /* one reference, given to the server: pre-encoded "name: value\r\n" lines (HTTP/1.1)
                                  * that stand for cached headers; the server sends them as they are. HTTP/2 parses
                                  * them. NULL without. */
    struct http_stream *stream;  /* one reference, given to the server: the body is what is written to it, for as long
                                  * as peer and writer stay; body and blob are not looked at. NULL without */
    const struct http_header *trailers; /* HTTP/2: behind the body, names in lower case; behind a stream that its writer
                                         * closed, where they are looked at just before it hears of its end. Other
                                         * protocols leave them out */
    size_t trailer_count;

    /* What comes of the request's body, to a stream that was given for its head (server.h, on_head): on the loop's
     * thread, until the stream's end was told. The last piece may be empty. */
    void (*on_input)(void *context, struct str bytes, bool is_last);
    void *input_context;
};

void http_response_header(struct http_response *response, struct str name, struct str value); /* ASSERTs on the 25th */

/* Percent-decodes a path segment ('+' stays) or a query component ('+' is a space) into the arena. ERR_INVALID for a
 * broken escape, a NUL, or what is not UTF-8 afterwards. */
int http_path_decode(struct arena *arena, struct str encoded, struct str *ret_decoded);
int http_query_decode(struct arena *arena, struct str encoded, struct str *ret_decoded);

/* Takes "name=value" pairs off *query one after the other, decoded; 1 for a pair, 0 at the end, or an error. */
int http_query_next(struct arena *arena, struct str *query, struct str *ret_name, struct str *ret_value);

/* How often a cookie of that name stands in a Cookie header's value; *ret_value is the first one's, not decoded, and
 * the empty str with a NULL ptr when there is none. Whoever stands in front may have read another one of several. */
size_t http_cookie_find(struct str cookie_header, struct str name, struct str *ret_value);

/* "OK", "Not Found"; "Unknown" for a status without a registered phrase. */
const char *http_status_phrase(int status);
