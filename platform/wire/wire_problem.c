/* struct problem → application/problem+json (RFC 9457). */
#include "platform/wire/wire.h"

/* RFC 9457, section 4.2.1: with the type about:blank the title is the status's phrase. */
static const char *title_of(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 402:
        return "Payment Required";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 422:
        return "Unprocessable Content";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    default:
        return "Internal Server Error";
    }
}

/* ,"name":"value" */
static void append_member(struct buf *buf, const char *name, struct str value)
{
    buf_append_char(buf, ',');
    wire_json_string(buf, str_from_cstr(name));
    buf_append_char(buf, ':');
    wire_json_string(buf, value);
}

void wire_problem_to_json(const struct problem *problem, struct str trace_id, struct buf *buf)
{
    int status = error_http_status(problem->error);
    struct str code = str_from_cstr(problem->code ? problem->code : error_name(problem->error));
    if (str_starts_with(code, STR("err_")))
        code = str_skip(code, 4);
    buf_append(buf, STR("{\"type\":\"about:blank\""));
    append_member(buf, "title", str_from_cstr(title_of(status)));
    buf_append(buf, STR(",\"status\":"));
    buf_append_int(buf, status);
    if (problem->detail[0])
        append_member(buf, "detail", str_from_cstr(problem->detail));
    append_member(buf, "code", code);
    if (problem->pointer[0]) {
        buf_append(buf, STR(",\"errors\":[{\"pointer\":"));
        wire_json_string(buf, str_from_cstr(problem->pointer));
        append_member(buf, "detail", str_from_cstr(problem->detail));
        buf_append(buf, STR("}]"));
    }
    if (trace_id.len > 0)
        append_member(buf, "trace_id", trace_id);
    buf_append_char(buf, '}');
}
