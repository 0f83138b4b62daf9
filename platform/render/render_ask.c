#include "platform/render/render_ask.h"

#include "platform/ports/clock/clock.h"
#include "platform/render/render_frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int wait_for(int socket, short events, int64_t deadline_ns)
{
    struct pollfd wanted = {.fd = socket, .events = events};

    for (;;) {
        int64_t left_ms = (deadline_ns - clock_monotonic_ns() + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
        if (left_ms <= 0)
            return ERR_DEADLINE;
        int ready = poll(&wanted, 1, (int)left_ms);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return ERR_INTERNAL;
    }
}

/* Both parts, however many calls that takes. */
static int send_request(int socket, struct str body, int64_t deadline_ns)
{
    struct render_request request = {.length = body.len};
    struct str head = str_from(&request, sizeof(request));

    while (head.len + body.len > 0) {
        struct iovec parts[] = {{(void *)(uintptr_t)head.ptr, head.len}, {(void *)(uintptr_t)body.ptr, body.len}};
        const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return ERR_INTERNAL;
        if (sent < 0)
            TRY(wait_for(socket, POLLOUT, deadline_ns));
        size_t of_body = sent > (ssize_t)head.len ? (size_t)sent - head.len : 0;
        head = str_skip(head, sent > 0 ? (size_t)sent : 0);
        body = str_skip(body, of_body);
    }
    return 0;
}

/* ERR_INTERNAL when the context's process has ended. */
static int receive(int socket, char *to, size_t size, int64_t deadline_ns)
{
    while (size > 0) {
        ssize_t got = recv(socket, to, size, MSG_DONTWAIT);

        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return ERR_INTERNAL;
        if (got < 0) {
            TRY(wait_for(socket, POLLIN, deadline_ns));
            continue;
        }
        to += got;
        size -= (size_t)got;
    }
    return 0;
}

/* Says what the context did not say itself. Whether the document was to blame is not known. */
static int explain(int error, char ret_message[RENDER_MESSAGE_BYTES])
{
    return render_refuse(ERR_UNAVAILABLE, ret_message,
                         error == ERR_DEADLINE ? "the context took longer than it may, and did not end by itself"
                                               : "the context ended without a word: it crashed, or was killed");
}

/* The message of a context that failed; one that a document could have taken over says nothing that ends a line. */
static int receive_message(int socket, const struct render_reply *reply, int64_t deadline_ns,
                           char ret_message[RENDER_MESSAGE_BYTES])
{
    char message[RENDER_MESSAGE_BYTES] = "";

    if (reply->length >= sizeof(message))
        return render_refuse(ERR_INTERNAL, ret_message, "the context failed, and says more of that than it may");
    int error = receive(socket, message, reply->length, deadline_ns);
    if (error < 0)
        return explain(error, ret_message);
    for (char *c = message; *c; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    memcpy(ret_message, message, sizeof(message));
    switch (reply->error) {
    case ERR_DEADLINE:
    case ERR_NO_MEMORY:
    case ERR_TOO_LARGE:
    case ERR_INVALID:
        return reply->error;
    default:
        return ERR_INTERNAL;
    }
}

static int receive_html(int socket, const struct render_reply *reply, int64_t deadline_ns, struct buf *ret_html,
                        char ret_message[RENDER_MESSAGE_BYTES])
{
    if (buf_error(ret_html) || reply->length > RENDER_HTML_BYTES_MAX || reply->length > ret_html->max - ret_html->len)
        return render_refuse(ERR_TOO_LARGE, ret_message, "the HTML is larger than it may be");
    char *to = buf_reserve(ret_html, reply->length);
    if (!to) {
        ret_html->error = 0;
        return render_refuse(ERR_NO_MEMORY, ret_message, "no memory for the HTML");
    }
    int error = receive(socket, to, reply->length, deadline_ns);
    if (error < 0)
        return explain(error, ret_message);
    buf_commit(ret_html, reply->length);
    return 0;
}

int render_ask(int socket, struct str body, int64_t deadline_ns, struct buf *ret_html, struct render_answer *ret_answer,
               char ret_message[RENDER_MESSAGE_BYTES])
{
    struct render_reply reply;

    *ret_answer = (struct render_answer){.is_last = true};
    /* Where its time or memory was up before it had read all, what it said of that is still to be read. */
    int sent = send_request(socket, body, deadline_ns);
    int error = receive(socket, (char *)&reply, sizeof(reply), deadline_ns);
    if (error < 0)
        return explain(sent == ERR_DEADLINE ? sent : error, ret_message);
    ret_answer->resident_bytes = reply.resident_bytes > INT64_MAX ? INT64_MAX : (int64_t)reply.resident_bytes;
    if (reply.error != 0)
        return receive_message(socket, &reply, deadline_ns, ret_message);
    TRY(receive_html(socket, &reply, deadline_ns, ret_html, ret_message));
    ret_answer->is_last = reply.is_last != 0;
    return 0;
}
