#include "platform/net/http.h"

#include "platform/base/encode.h"
#include "platform/base/err.h"

static const char *const METHOD_NAMES[HTTP_METHOD_COUNT] = {
    [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",       [HTTP_PUT] = "PUT",
    [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
};

const char *http_method_name(enum http_method method)
{
    return (unsigned)method < HTTP_METHOD_COUNT ? METHOD_NAMES[method] : "UNKNOWN";
}

enum http_method http_method_from(struct str name)
{
    for (unsigned i = 0; i < HTTP_METHOD_COUNT; i++) {
        if (str_equal_cstr(name, METHOD_NAMES[i]))
            return (enum http_method)i;
    }
    return HTTP_METHOD_COUNT;
}

struct str http_header_find(const struct http_request *request, const char *name)
{
    struct str wanted = str_from_cstr(name);
    for (size_t i = 0; i < request->header_count; i++) {
        if (str_equal(request->headers[i].name, wanted))
            return request->headers[i].value.ptr ? request->headers[i].value : STR("");
    }
    return STR_EMPTY;
}

void http_response_header(struct http_response *response, struct str name, struct str value)
{
    ASSERT(response->header_count < sizeof response->headers / sizeof response->headers[0]);
    response->headers[response->header_count++] = (struct http_header){name, value};
}

/* RFC 3986, 2.1; plus_is_space: application/x-www-form-urlencoded, as URL.searchParams writes it. */
static int percent_decode(struct arena *arena, struct str encoded, bool plus_is_space, struct str *ret_decoded)
{
    if (encoded.len == 0) {
        *ret_decoded = STR("");
        return 0;
    }
    char *decoded = arena_alloc(arena, encoded.len);
    if (!decoded)
        return ERR_NO_MEMORY;
    size_t len = 0;
    for (size_t i = 0; i < encoded.len; i++) {
        char c = encoded.ptr[i];
        if (c == '%') {
            int high = i + 2 < encoded.len ? decode_hex_digit(encoded.ptr[i + 1]) : -1;
            int low = i + 2 < encoded.len ? decode_hex_digit(encoded.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ERR_INVALID;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        decoded[len++] = c;
    }
    struct str result = str_from(decoded, len);
    if (!str_is_utf8(result))
        return ERR_INVALID;
    *ret_decoded = result;
    return 0;
}

int http_path_decode(struct arena *arena, struct str encoded, struct str *ret_decoded)
{
    return percent_decode(arena, encoded, false, ret_decoded);
}

int http_query_decode(struct arena *arena, struct str encoded, struct str *ret_decoded)
{
    return percent_decode(arena, encoded, true, ret_decoded);
}

int http_query_next(struct arena *arena, struct str *query, struct str *ret_name, struct str *ret_value)
{
    while (query->ptr && query->len > 0) {
        struct str pair = STR_EMPTY;
        if (!str_next_token(query, '&', &pair))
            break;
        if (pair.len == 0)
            continue; /* "a=1&&b=2" and a '&' at the end say nothing. */
        ptrdiff_t equals = str_find_char(pair, '=');
        struct str name = equals < 0 ? pair : str_slice(pair, 0, (size_t)equals);
        struct str value = equals < 0 ? STR_EMPTY : str_skip(pair, (size_t)equals + 1);
        struct str decoded_name = STR_EMPTY;
        TRY(http_query_decode(arena, name, &decoded_name));
        TRY(http_query_decode(arena, value, ret_value));
        *ret_name = decoded_name;
        return 1;
    }
    return 0;
}

size_t http_cookie_find(struct str cookie_header, struct str name, struct str *ret_value)
{
    struct str rest = cookie_header;
    struct str pair = STR_EMPTY;
    size_t count = 0;
    *ret_value = STR_EMPTY;
    while (rest.ptr && str_next_token(&rest, ';', &pair)) {
        pair = str_trim(pair);
        ptrdiff_t equals = str_find_char(pair, '=');
        if (equals < 0 || !str_equal(str_slice(pair, 0, (size_t)equals), name))
            continue;
        struct str value = str_skip(pair, (size_t)equals + 1);
        if (count++ == 0)
            *ret_value = value.ptr ? value : STR("");
    }
    return count;
}

/* The IANA registry of HTTP status codes. */
static const char *const STATUS_PHRASES[600] = {
    [100] = "Continue",
    [101] = "Switching Protocols",
    [200] = "OK",
    [201] = "Created",
    [202] = "Accepted",
    [203] = "Non-Authoritative Information",
    [204] = "No Content",
    [205] = "Reset Content",
    [206] = "Partial Content",
    [207] = "Multi-Status",
    [300] = "Multiple Choices",
    [301] = "Moved Permanently",
    [302] = "Found",
    [303] = "See Other",
    [304] = "Not Modified",
    [307] = "Temporary Redirect",
    [308] = "Permanent Redirect",
    [400] = "Bad Request",
    [401] = "Unauthorized",
    [402] = "Payment Required",
    [403] = "Forbidden",
    [404] = "Not Found",
    [405] = "Method Not Allowed",
    [406] = "Not Acceptable",
    [407] = "Proxy Authentication Required",
    [408] = "Request Timeout",
    [409] = "Conflict",
    [410] = "Gone",
    [411] = "Length Required",
    [412] = "Precondition Failed",
    [413] = "Content Too Large",
    [414] = "URI Too Long",
    [415] = "Unsupported Media Type",
    [416] = "Range Not Satisfiable",
    [417] = "Expectation Failed",
    [421] = "Misdirected Request",
    [422] = "Unprocessable Content",
    [423] = "Locked",
    [424] = "Failed Dependency",
    [425] = "Too Early",
    [426] = "Upgrade Required",
    [428] = "Precondition Required",
    [429] = "Too Many Requests",
    [431] = "Request Header Fields Too Large",
    [451] = "Unavailable For Legal Reasons",
    [500] = "Internal Server Error",
    [501] = "Not Implemented",
    [502] = "Bad Gateway",
    [503] = "Service Unavailable",
    [504] = "Gateway Timeout",
    [505] = "HTTP Version Not Supported",
    [507] = "Insufficient Storage",
};

const char *http_status_phrase(int status)
{
    bool registered = status >= 0 && status < 600 && STATUS_PHRASES[status];
    return registered ? STATUS_PHRASES[status] : "Unknown";
}
