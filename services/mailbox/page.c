#include "platform/base/time_format.h"
#include "platform/ports/mail/mail.h"
#include "platform/service/host.h"
#include "services/mailbox/mailbox.h"

#define PAGE_BYTES_MAX ((size_t)2 << 20)

/* -- Who may look ------------------------------------------------------------------------------------------------- */

static bool is_loopback(struct str name)
{
    return str_equal(name, STR("127.0.0.1")) || str_equal(name, STR("::1")) || str_equal(name, STR("[::1]")) ||
           str_equal_nocase(name, STR("localhost"));
}

/* Before it listens (in tests) the shop can be reached from this process alone. */
static int check_visitor(struct call *call, const struct http_request *request)
{
    const char *address = call->host->address;
    if ((!address || is_loopback(str_from_cstr(address))) && (request->host.len == 0 || is_loopback(request->host)))
        return 0;
    return call_fail(call, ERR_NOT_FOUND, "not_found", NULL, "There is nothing here.");
}

static bool wants_html(const struct http_request *request)
{
    return str_find(http_header_find(request, "accept"), STR("text/html")) >= 0;
}

/* -- Writing ------------------------------------------------------------------------------------------------------ */

static void append_escaped(struct buf *page, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            buf_append(page, STR("&amp;"));
            break;
        case '<':
            buf_append(page, STR("&lt;"));
            break;
        case '>':
            buf_append(page, STR("&gt;"));
            break;
        case '"':
            buf_append(page, STR("&quot;"));
            break;
        case '\r':
            break;
        default:
            buf_append_char(page, text.ptr[i]);
        }
    }
}

static void append_plain(struct buf *page, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '\r')
            buf_append_char(page, text.ptr[i]);
}

/* What stands behind the headers. */
static struct str body_of(struct str message)
{
    ptrdiff_t end = str_find(message, STR("\r\n\r\n"));
    return end < 0 ? message : str_slice(message, (size_t)end + 4, MAILBOX_TEXT_BYTES_MAX);
}

static void append_html_mail(struct buf *page, const struct mail_stored *mail, const char *sent_at, struct str body)
{
    buf_append(page, STR("<article><h2>"));
    append_escaped(page, mail->subject);
    buf_printf(page, "</h2><p>To <b>");
    append_escaped(page, mail->to);
    buf_printf(page, "</b>, <time>%s</time>, <a href=\"/dev/mail/%.*s\">as sent</a></p><pre>", sent_at,
               STR_FORMAT(mail->id));
    append_escaped(page, body);
    buf_append(page, STR("</pre></article>\n"));
}

static void append_text_mail(struct buf *page, const struct mail_stored *mail, const char *sent_at, struct str body)
{
    buf_printf(page, "To: %.*s\nSubject: %.*s\nDate: %s\nLink: /dev/mail/%.*s\n\n", STR_FORMAT(mail->to),
               STR_FORMAT(mail->subject), sent_at, STR_FORMAT(mail->id));
    append_plain(page, body);
    buf_append(page, STR("\n--------\n\n"));
}

#define PAGE_HEAD                                                                                                      \
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mail</title>"                             \
    "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light "              \
    "dark\"></head>"                                                                                                   \
    "<body><main><h1>Mail</h1>\n"

static int fill_page(struct call *call, bool html, struct buf *page)
{
    struct mail_stored *mails = NULL;
    size_t count = 0;
    int result = mail_list(call->host->mail, MAILBOX_SHOWN_MAX, call->arena, &mails, &count);
    if (result == ERR_METHOD)
        return call_fail(call, ERR_NOT_FOUND, "not_found", NULL, "Mails are really sent here; there is no spool.");
    TRY(result);
    buf_append_cstr(page, html ? PAGE_HEAD : "");
    if (count == 0)
        buf_append_cstr(page, html ? "<p>No mail yet. Sign up, and the code will be here.</p>\n" : "No mail yet.\n");
    for (size_t i = 0; i < count; i++) {
        char sent_at[TIME_RFC3339_BYTES];
        struct str message = STR_EMPTY;
        time_format_rfc3339(mails[i].sent_at_ms, sent_at);
        if (mail_read(call->host->mail, mails[i].id, call->arena, &message) < 0)
            continue; /* Deleted meanwhile. */
        (html ? append_html_mail : append_text_mail)(page, &mails[i], sent_at, body_of(message));
    }
    buf_append_cstr(page, html ? "</main></body></html>\n" : "");
    return buf_error(page);
}

static void harden(struct http_response *response)
{
    http_response_header(
        response, STR("Content-Security-Policy"),
        STR("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"));
    http_response_header(response, STR("Referrer-Policy"), STR("no-referrer"));
    http_response_header(response, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
    http_response_header(response, STR("Vary"), STR("Accept"));
}

static int answer(struct call *call, struct http_response *response, bool html, struct str body)
{
    harden(response);
    return call_answer(call, response, html ? "text/html; charset=utf-8" : "text/plain; charset=utf-8", "no-store",
                       body);
}

int list_mails(struct call *call, const struct http_request *request, struct http_response *response)
{
    CLEANUP(buf_free) struct buf page = BUF(PAGE_BYTES_MAX);
    bool html = wants_html(request);
    TRY(check_visitor(call, request));
    TRY(fill_page(call, html, &page));
    return answer(call, response, html, buf_str(&page));
}

int show_mail(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct str id = str_skip(request->path, strlen("/dev/mail/"));
    struct str message;
    TRY(check_visitor(call, request));
    int result = mail_read(call->host->mail, id, call->arena, &message);
    if (result == ERR_NOT_FOUND || result == ERR_INVALID || result == ERR_METHOD)
        return call_fail(call, ERR_NOT_FOUND, "no_mail", NULL, "There is no such mail.");
    TRY(result);
    return answer(call, response, false, message);
}
