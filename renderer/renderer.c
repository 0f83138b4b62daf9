#include "renderer/renderer.h"

#include "platform/base/buf.h"
#include "platform/base/descriptor.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/render/render.h"
#include "platform/sandbox/sandbox.h"
#include "renderer/context.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#define LOOK_INTERVAL_US 5000 /* a script that fills memory as fast as it can takes some 10 MB in that */
#define BUNDLE_TIME_FACTOR 10
/* A letter of UTF-16 is at most three bytes of UTF-8, which is how JavaScriptCore measures. */
#define HTML_ROOM_MAX (3 * RENDER_HTML_BYTES_MAX + 1)

/* Of the process, for its signal handler. */
static struct {
    int socket;
    int64_t render_time_ms;
    size_t memory_bytes_max;
    int64_t end_cpu_ns;
    atomic_bool is_watched; /* by the handler; whoever makes it false speaks to the socket */
} self;

/* -- Limits -------------------------------------------------------------------------------------------------------- */

static size_t resident_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}

/* Only calls that a signal handler may make. */
static _Noreturn void end_with(int error, const char *message)
{
    const struct render_reply reply = {
        .error = error, .is_last = 1, .length = strlen(message), .resident_bytes = resident_bytes()};

    if (descriptor_write(self.socket, str_from(&reply, sizeof(reply))))
        descriptor_write(self.socket, str_from_cstr(message));
    _exit(0);
}

/* Whatever the script is at, a loop that allocates nothing included: no help of JavaScriptCore's is needed. By the time
 * of the processor, or a busy machine would fail pages. */
static void look_at_limits(int signal)
{
    bool is_late = clock_cpu_ns() >= self.end_cpu_ns;

    (void)signal;
    if (!is_late && resident_bytes() <= self.memory_bytes_max)
        return;
    if (!atomic_exchange(&self.is_watched, false))
        return;
    if (is_late)
        end_with(ERR_DEADLINE, "the page ran longer than it may");
    end_with(ERR_NO_MEMORY, "the page took more memory than it may");
}

static void watch(int64_t time_ms)
{
    const struct itimerval interval = {.it_interval = {.tv_usec = LOOK_INTERVAL_US},
                                       .it_value = {.tv_usec = LOOK_INTERVAL_US}};

    self.end_cpu_ns = clock_cpu_ns() + time_ms * CLOCK_NS_PER_MS;
    atomic_store(&self.is_watched, true);
    setitimer(ITIMER_PROF, &interval, NULL);
}

static void unwatch(void)
{
    const struct itimerval none = {0};

    setitimer(ITIMER_PROF, &none, NULL);
    /* Where the handler was first, in another thread, it is saying so now, and ends the process. */
    while (!atomic_exchange(&self.is_watched, false))
        task_sleep_ms(LOOK_INTERVAL_US);
}

/* -- Requests ------------------------------------------------------------------------------------------------------ */

/* False at the end of the socket: the serving process has no more to ask, or is gone. */
static bool read_all(char *to, size_t size)
{
    while (size > 0) {
        ssize_t got = read(self.socket, to, size);

        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0) {
            to += got;
            size -= (size_t)got;
        }
    }
    return true;
}

/* The body, ended by a NUL. The buffer keeps its room from request to request. */
static const char *read_request(struct buf *body)
{
    struct render_request request;

    buf_clear(body);
    if (!read_all((char *)&request, sizeof(request)) || request.length >= body->max)
        return NULL;
    char *to = buf_reserve(body, request.length + 1);
    if (!to || !read_all(to, request.length))
        return NULL;
    to[request.length] = '\0';
    return to;
}

static bool reply_with(struct str body, bool is_last)
{
    const struct render_reply reply = {
        .is_last = is_last ? 1 : 0, .length = body.len, .resident_bytes = resident_bytes()};

    return descriptor_write(self.socket, str_from(&reply, sizeof(reply))) && descriptor_write(self.socket, body);
}

static struct context *open_context(struct buf *body)
{
    char message[RENDER_MESSAGE_BYTES] = "";
    struct context *context = NULL;
    const char *bundle = read_request(body);

    if (!bundle)
        return NULL;
    watch(self.render_time_ms * BUNDLE_TIME_FACTOR);
    int error = context_new(&context, bundle, message, sizeof(message));
    unwatch();
    if (error < 0)
        end_with(error, message);
    return reply_with(STR_EMPTY, false) ? context : NULL;
}

/* False: it was the last. One that threw is not asked again, as nobody knows in what state it left the script. */
static bool serve_one(struct context *context, struct buf *body, struct buf *html)
{
    char message[RENDER_MESSAGE_BYTES] = "";
    const char *document = read_request(body);

    if (!document)
        return false;
    watch(self.render_time_ms);
    int error = context_render(context, document, html, message, sizeof(message));
    unwatch();
    if (error < 0)
        end_with(error, message);
    if (html->len > RENDER_HTML_BYTES_MAX)
        end_with(ERR_TOO_LARGE, "the HTML is larger than it may be");
    bool is_last = resident_bytes() > self.memory_bytes_max;
    if (!reply_with(buf_str(html), is_last) || is_last)
        return false;
    context_rest(context);
    return true;
}

static void serve(void *argument)
{
    struct buf body = BUF(RENDER_BUNDLE_BYTES_MAX + 1), html = BUF(HTML_ROOM_MAX);
    sigset_t all;

    (void)argument;
    /* A task starts with its signals blocked. JavaScriptCore stops threads by signals, and the timer is one. */
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    struct context *context = open_context(&body);
    while (context && serve_one(context, &body, &html))
        ;
    _exit(0);
}

void renderer_run(int socket, const struct render_command *limits, bool has_sandbox)
{
    const struct sigaction look = {.sa_handler = look_at_limits, .sa_flags = SA_RESTART};
    char message[SANDBOX_MESSAGE_BYTES];
    struct task *task;

    self.socket = socket;
    self.render_time_ms = limits->render_time_ms;
    self.memory_bytes_max = limits->memory_bytes_max;
    sigaction(SIGPROF, &look, NULL);
    if (context_prepare(self.memory_bytes_max) < 0)
        _exit(1);
    if (has_sandbox && sandbox_enter(&(struct sandbox_limits){.role = SANDBOX_RENDERER}, message) < 0)
        _exit(1);
    /* Not the main thread: JavaScriptCore asks for the bounds of its stack, for which the C library reads a file. */
    if (task_start_deep(&task, "render", serve, NULL) < 0)
        _exit(1);
    task_join(task);
    _exit(0);
}
