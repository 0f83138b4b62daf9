/* What a context in which pages are rendered sends back, as if a document had taken it over. Input: the bytes of its
 * socket, which ends behind them. Whatever they are, the answer is HTML as long as the frame says or one line of why
 * there is none, the buffer is as before where it failed, and nothing beyond the frame is read. */
#include "platform/ports/clock/clock.h"
#include "platform/render/render_ask.h"
#include "platform/render/render_frame.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES_MAX ((size_t)64 << 10) /* a socket holds more, so that one task can be both ends */
#define HTML_BYTES_MAX ((size_t)8 << 10)
#define PATIENCE_MS 60000
#define BEFORE "<main>"

static size_t left_in(int socket)
{
    int count = 0;

    ASSERT(ioctl(socket, FIONREAD, &count) == 0 && count >= 0);
    return (size_t)count;
}

static void check_failure(int error, struct str html, const struct render_answer *answer, const char *message)
{
    bool is_known = error == ERR_DEADLINE || error == ERR_NO_MEMORY || error == ERR_TOO_LARGE || error == ERR_INVALID ||
                    error == ERR_INTERNAL || error == ERR_UNAVAILABLE;

    ASSERT(is_known && answer->is_last);
    ASSERT(str_equal(html, STR(BEFORE)));
    ASSERT(strnlen(message, RENDER_MESSAGE_BYTES) < RENDER_MESSAGE_BYTES);
    for (const char *c = message; *c; c++)
        ASSERT(*c >= ' ' && *c <= '~');
}

static void check_answer(struct str input, struct str html, size_t left)
{
    struct render_reply reply;

    ASSERT(input.len >= sizeof(reply));
    memcpy(&reply, input.ptr, sizeof(reply));
    ASSERT(reply.error == 0 && html.len == sizeof(BEFORE) - 1 + reply.length && html.len <= HTML_BYTES_MAX);
    ASSERT(str_equal(str_skip(html, sizeof(BEFORE) - 1), str_slice(input, sizeof(reply), reply.length)));
    ASSERT(left == input.len - sizeof(reply) - reply.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_free) struct buf html = BUF(HTML_BYTES_MAX);
    struct str input = str_from(data, size < BYTES_MAX ? size : BYTES_MAX);
    struct render_answer answer;
    char message[RENDER_MESSAGE_BYTES] = "";
    int ends[2];

    ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ASSERT(input.len == 0 || write(ends[1], input.ptr, input.len) == (ssize_t)input.len);
    ASSERT(shutdown(ends[1], SHUT_WR) == 0);
    buf_append(&html, STR(BEFORE));
    int64_t deadline_ns = clock_monotonic_ns() + PATIENCE_MS * CLOCK_NS_PER_MS;
    int error = render_ask(ends[0], STR("{}"), deadline_ns, &html, &answer, message);
    ASSERT(answer.resident_bytes >= 0 && buf_error(&html) == 0);
    if (error < 0)
        check_failure(error, buf_str(&html), &answer, message);
    else
        check_answer(input, buf_str(&html), left_in(ends[0]));
    close(ends[0]);
    close(ends[1]);
    return 0;
}
