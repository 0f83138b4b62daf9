#include "platform/render/render.h"

#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/metrics/metrics.h"
#include "platform/render/render_frame.h"
#include "platform/render/render_process.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define BUNDLE_TIME_FACTOR 10 /* what evaluating a bundle may take, in renders */
/* A context ends itself when it has used up its time of the processor. One that does not, or waits, is ended. */
#define CLOCK_TIME_FACTOR 10
#define GRACE_MS 1000

static struct metric renders = METRIC_COUNTER("shopstream_renders_total", "Pages rendered, or not.", "result");
static struct metric durations = METRIC_DURATION("shopstream_render_duration_seconds",
                                                 "From the document to the HTML, the wait for a context in it.");
static struct metric starts =
    METRIC_COUNTER("shopstream_render_contexts_started_total", "JavaScript contexts made, the first ones counted.");
static struct metric resident =
    METRIC_GAUGE("shopstream_render_resident_bytes", "The most memory that a context's process has had.", "context");

struct context {
    struct render_context process;
    bool is_busy;
    char name[4]; /* its number, as the metrics tell it */
};

struct renderer {
    struct task_mutex mutex;
    struct task_cond is_free;
    struct renderer_config config;
    char *bundle;
    struct context contexts[RENDER_CONTEXTS_MAX];
};

static int refuse(int error, char ret_message[RENDER_MESSAGE_BYTES], const char *message)
{
    snprintf(ret_message, RENDER_MESSAGE_BYTES, "%s", message);
    return error;
}

/* -- One context's socket ------------------------------------------------------------------------------------------ */

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

/* The message of a context that failed; one that a document could have taken over says nothing that ends a line. */
static int receive_message(int socket, const struct render_reply *reply, int64_t deadline_ns,
                           char ret_message[RENDER_MESSAGE_BYTES])
{
    char message[RENDER_MESSAGE_BYTES] = "";

    if (reply->length >= sizeof(message))
        return ERR_INTERNAL;
    TRY(receive(socket, message, reply->length, deadline_ns));
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
        return refuse(ERR_TOO_LARGE, ret_message, "the HTML is larger than it may be");
    char *to = buf_reserve(ret_html, reply->length);
    if (!to) {
        ret_html->error = 0;
        return refuse(ERR_NO_MEMORY, ret_message, "no memory for the HTML");
    }
    int error = receive(socket, to, reply->length, deadline_ns);
    if (error < 0)
        return refuse(error, ret_message, "the context ended in the middle of the HTML");
    buf_commit(ret_html, reply->length);
    return 0;
}

/* Says what the context did not say itself. */
static int explain(int error, char ret_message[RENDER_MESSAGE_BYTES])
{
    return refuse(error, ret_message,
                  error == ERR_DEADLINE ? "it ran longer than it may, and did not end by itself"
                                        : "JavaScriptCore crashed, or was ended by the kernel");
}

/* Asks the context, a bundle or a document; ret_is_over: it answers nothing more. */
static int ask(struct context *context, struct str body, int64_t time_ms, struct buf *ret_html, bool *ret_is_over,
               char ret_message[RENDER_MESSAGE_BYTES])
{
    int64_t deadline_ns = clock_monotonic_ns() + (time_ms * CLOCK_TIME_FACTOR + GRACE_MS) * CLOCK_NS_PER_MS;
    int socket = context->process.socket;
    struct render_reply reply;

    *ret_is_over = true;
    /* Where its time or memory was up before it had read all, what it said of that is still to be read. */
    int sent = send_request(socket, body, deadline_ns);
    int error = receive(socket, (char *)&reply, sizeof(reply), deadline_ns);
    if (error < 0)
        return explain(sent == ERR_DEADLINE ? sent : error, ret_message);
    metric_set(&resident, METRIC_LABELS(str_from_cstr(context->name)), (int64_t)reply.resident_bytes);
    if (reply.error != 0) {
        error = receive_message(socket, &reply, deadline_ns, ret_message);
    } else {
        error = receive_html(socket, &reply, deadline_ns, ret_html, ret_message);
        *ret_is_over = error < 0 || reply.is_last;
    }
    return error;
}

/* -- The pool ------------------------------------------------------------------------------------------------------ */

/* One that is there rather than one that has to be made. */
static struct context *find_free(struct renderer *renderer)
{
    struct context *found = NULL;

    for (unsigned i = 0; i < renderer->config.contexts; i++) {
        struct context *context = &renderer->contexts[i];
        if (!context->is_busy && (!found || (found->process.socket < 0 && context->process.socket >= 0)))
            found = context;
    }
    return found;
}

static struct context *take(struct renderer *renderer, int64_t deadline_ns)
{
    TASK_LOCKED(&renderer->mutex);
    struct context *context;

    while (!(context = find_free(renderer))) {
        if (!task_cond_wait_until(&renderer->is_free, &renderer->mutex, deadline_ns))
            break;
    }
    if (!context)
        context = find_free(renderer);
    if (context)
        context->is_busy = true;
    return context;
}

static void give_back(struct renderer *renderer, struct context *context)
{
    task_mutex_lock(&renderer->mutex);
    context->is_busy = false;
    task_mutex_unlock(&renderer->mutex);
    task_cond_signal(&renderer->is_free);
}

/* Makes the context's process and has it evaluate the bundle. */
static int make(struct renderer *renderer, struct context *context, char ret_message[RENDER_MESSAGE_BYTES])
{
    CLEANUP(buf_free) struct buf nothing = BUF(1);
    int64_t time_ms = renderer->config.render_time_ms * BUNDLE_TIME_FACTOR;
    bool is_over;

    int error =
        render_process_make(renderer->config.render_time_ms, renderer->config.memory_bytes_max, &context->process);
    if (error < 0)
        return refuse(error, ret_message, "no context could be made: shopstream-render does not answer");
    metric_count(&starts, METRIC_NO_LABELS, 1);
    error = ask(context, renderer->config.bundle, time_ms, &nothing, &is_over, ret_message);
    if (error < 0)
        render_process_end(&context->process);
    return error;
}

static int render_in(struct renderer *renderer, struct context *context, struct str document, struct buf *ret_html,
                     char ret_message[RENDER_MESSAGE_BYTES])
{
    bool is_over;

    if (context->process.socket < 0)
        TRY(make(renderer, context, ret_message));
    int error = ask(context, document, renderer->config.render_time_ms, ret_html, &is_over, ret_message);
    if (is_over)
        render_process_end(&context->process);
    return error;
}

static int render(struct renderer *renderer, struct str document, int64_t deadline_ns, struct buf *ret_html,
                  char ret_message[RENDER_MESSAGE_BYTES])
{
    if (document.len > RENDER_DOCUMENT_BYTES_MAX)
        return refuse(ERR_TOO_LARGE, ret_message, "the document is larger than it may be");
    if (!str_is_utf8(document))
        return refuse(ERR_INVALID, ret_message, "the document is not UTF-8");
    struct context *context = take(renderer, deadline_ns);
    if (!context)
        return refuse(ERR_DEADLINE, ret_message, "no context came free in time");
    int error = render_in(renderer, context, document, ret_html, ret_message);
    give_back(renderer, context);
    return error;
}

int renderer_render(struct renderer *renderer, struct str document, int64_t deadline_ns, struct buf *ret_html,
                    char ret_message[RENDER_MESSAGE_BYTES])
{
    int64_t start_ns = clock_monotonic_ns();
    int error = render(renderer, document, deadline_ns, ret_html, ret_message);
    struct str result = str_from_cstr(error == 0 ? "rendered" : error_name(error));

    metric_count(&renders, METRIC_LABELS(result), 1);
    metric_observe(&durations, METRIC_NO_LABELS, clock_monotonic_ns() - start_ns);
    return error;
}

/* -- From new to free ---------------------------------------------------------------------------------------------- */

static struct renderer *allocate(const struct renderer_config *config)
{
    struct renderer *renderer = calloc(1, sizeof(*renderer));

    if (!renderer)
        return NULL;
    renderer->bundle = malloc(config->bundle.len ? config->bundle.len : 1);
    if (!renderer->bundle) {
        free(renderer);
        return NULL;
    }
    memcpy(renderer->bundle, config->bundle.ptr, config->bundle.len);
    renderer->config = *config;
    renderer->config.bundle.ptr = renderer->bundle;
    task_mutex_init(&renderer->mutex);
    task_cond_init(&renderer->is_free);
    for (unsigned i = 0; i < RENDER_CONTEXTS_MAX; i++) {
        renderer->contexts[i].process = RENDER_NO_CONTEXT;
        snprintf(renderer->contexts[i].name, sizeof(renderer->contexts[i].name), "%u", i % RENDER_CONTEXTS_MAX);
    }
    return renderer;
}

int renderer_new(struct renderer **ret_renderer, const struct renderer_config *config,
                 char ret_message[RENDER_MESSAGE_BYTES])
{
    ASSERT(config->contexts > 0 && config->contexts <= RENDER_CONTEXTS_MAX && config->render_time_ms > 0);
    if (config->bundle.len == 0 || config->bundle.len > RENDER_BUNDLE_BYTES_MAX || !str_is_utf8(config->bundle))
        return refuse(ERR_INVALID, ret_message, "the bundle is empty, too large or not UTF-8");
    if (!render_process_is_started())
        TRY(render_start(false, ret_message));
    struct renderer *renderer = allocate(config);
    if (!renderer)
        return refuse(ERR_NO_MEMORY, ret_message, "no memory for the bundle");
    metric_register(&renders);
    int error = make(renderer, &renderer->contexts[0], ret_message);
    if (error < 0) {
        renderer_free(renderer);
        return error;
    }
    *ret_renderer = renderer;
    return 0;
}

void renderer_free(struct renderer *renderer)
{
    if (!renderer)
        return;
    for (unsigned i = 0; i < renderer->config.contexts; i++)
        render_process_end(&renderer->contexts[i].process);
    task_cond_destroy(&renderer->is_free);
    task_mutex_destroy(&renderer->mutex);
    free(renderer->bundle);
    free(renderer);
}
