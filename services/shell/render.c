/* The HTML of a page's root, by the renderer's processes; without it the browser renders the page from its document.
 *
 * JavaScript takes as long to start as all the rest of the shop, so it does that beside it, in a task of its own: the
 * API answers meanwhile, and a page that is asked for too early waits. */
#include "platform/render/render.h"

#include "platform/base/err.h"
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "services/shell/page.h"
#include "services/shell/web.h"

#include <stdio.h>
#include <stdlib.h>

#define CONTEXTS 2
#define RENDER_TIME_MS 500
#define RENDER_MEMORY_BYTES_MAX ((size_t)192 << 20)
/* For a context that is free; where many wait, browsers are many too. */
#define WAIT_MS_MAX 5000

struct page_renderer {
    struct task *starting;
    struct renderer_config config;
    struct task_mutex mutex;
    struct task_cond is_settled;
    bool has_settled;
    struct renderer *renderer; /* from then on; NULL: there is none, and the browser renders */
};

/* -- Start and stop ------------------------------------------------------------------------------------------------ */

static int make(const struct page_renderer *pages, struct renderer **ret_renderer, char message[RENDER_MESSAGE_BYTES])
{
    if (pages->config.bundle.len)
        return renderer_new(ret_renderer, &pages->config, message);
    snprintf(message, RENDER_MESSAGE_BYTES, "there is no server/render.js");
    return ERR_NOT_FOUND;
}

static void start_renderer(void *argument)
{
    const struct log_context log = {.service = "shell"};
    char message[RENDER_MESSAGE_BYTES] = "";
    struct page_renderer *pages = argument;
    struct renderer *renderer = NULL;
    int result = make(pages, &renderer, message);

    if (result < 0)
        log_error(&log, "pages are rendered by the browser alone", LOG_ERR(result), LOG_CSTR("detail", message));
    TASK_LOCKED(&pages->mutex);
    pages->renderer = renderer;
    pages->has_settled = true;
    task_cond_broadcast(&pages->is_settled);
}

int shell_start_renderer(struct shell_state *shell)
{
    if (!web_is_built(shell->web))
        return 0;
    struct page_renderer *pages = calloc(1, sizeof(*pages));
    if (!pages)
        return ERR_NO_MEMORY;
    pages->config = (struct renderer_config){
        .bundle = web_render_script(shell->web),
        .contexts = CONTEXTS,
        .render_time_ms = RENDER_TIME_MS,
        .memory_bytes_max = RENDER_MEMORY_BYTES_MAX,
    };
    task_mutex_init(&pages->mutex);
    task_cond_init(&pages->is_settled);
    shell->renderer = pages;
    return task_start(&pages->starting, "renderer", start_renderer, pages);
}

void shell_stop_renderer(struct shell_state *shell)
{
    struct page_renderer *pages = shell->renderer;

    if (!pages)
        return;
    task_join(pages->starting);
    renderer_free(pages->renderer);
    task_cond_destroy(&pages->is_settled);
    task_mutex_destroy(&pages->mutex);
    free(pages);
}

/* -- Rendering ----------------------------------------------------------------------------------------------------- */

/* A start ends by itself; a page waits for it as long as its request may take, and is refused with ERR_UNAVAILABLE
 * then. *ret_renderer stays NULL where there is none. */
static int find_renderer(const struct page *page, struct renderer **ret_renderer, char message[RENDER_MESSAGE_BYTES])
{
    struct page_renderer *pages = page->shell->renderer;

    if (!pages)
        return 0;
    TASK_LOCKED(&pages->mutex);
    while (!pages->has_settled) {
        if (task_cond_wait_until(&pages->is_settled, &pages->mutex, page->call->deadline_ns))
            continue;
        snprintf(message, RENDER_MESSAGE_BYTES, "what renders pages takes long to start");
        return ERR_UNAVAILABLE;
    }
    *ret_renderer = pages->renderer;
    return 0;
}

static int64_t find_deadline_ns(const struct page *page)
{
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MS_MAX * CLOCK_NS_PER_MS;

    return deadline_ns < page->call->deadline_ns ? deadline_ns : page->call->deadline_ns;
}

bool page_render(struct page *page, struct str json, struct buf *html)
{
    char message[RENDER_MESSAGE_BYTES] = "";
    struct renderer *renderer = NULL;
    int result = find_renderer(page, &renderer, message);

    if (result >= 0 && !renderer)
        return false;
    if (result >= 0)
        result = renderer_render(renderer, json, find_deadline_ns(page), html, message);
    if (result >= 0)
        return true;
    log_error(&page->call->log, "a page was not rendered: the browser does it", LOG_CSTR("kind", page->document->kind),
              LOG_ERR(result), LOG_CSTR("detail", message));
    /* A page is a function of its document. One that failed by it would fail again, at the price of a new context each
     * time: it is kept as any other is, until the document changes. */
    page->is_makeshift = result == ERR_UNAVAILABLE;
    return false;
}
