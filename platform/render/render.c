#include "platform/render/render.h"

#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/metrics/metrics.h"
#include "platform/render/render_ask.h"
#include "platform/render/render_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Asks the context, a bundle or a document; ret_is_over: it answers nothing more. */
static int ask(struct context *context, struct str body, int64_t time_ms, struct buf *ret_html, bool *ret_is_over,
               char ret_message[RENDER_MESSAGE_BYTES])
{
    int64_t deadline_ns = clock_monotonic_ns() + (time_ms * CLOCK_TIME_FACTOR + GRACE_MS) * CLOCK_NS_PER_MS;
    struct render_answer answer;
    int error = render_ask(context->process.socket, body, deadline_ns, ret_html, &answer, ret_message);

    if (answer.resident_bytes)
        metric_set(&resident, METRIC_LABELS(str_from_cstr(context->name)), answer.resident_bytes);
    *ret_is_over = answer.is_last;
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
        return render_refuse(error, ret_message, "no context could be made: shopstream-render does not answer");
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
        return render_refuse(ERR_TOO_LARGE, ret_message, "the document is larger than it may be");
    if (!str_is_utf8(document))
        return render_refuse(ERR_INVALID, ret_message, "the document is not UTF-8");
    struct context *context = take(renderer, deadline_ns);
    if (!context)
        return render_refuse(ERR_UNAVAILABLE, ret_message, "no context came free in time");
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
        return render_refuse(ERR_INVALID, ret_message, "the bundle is empty, too large or not UTF-8");
    if (!render_process_is_started())
        TRY(render_start(false, ret_message));
    struct renderer *renderer = allocate(config);
    if (!renderer)
        return render_refuse(ERR_NO_MEMORY, ret_message, "no memory for the bundle");
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
