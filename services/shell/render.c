/* The HTML of a page's root, by the renderer's processes; without it the browser renders the page from its document. */
#include "platform/render/render.h"

#include "platform/ports/clock/clock.h"
#include "services/shell/page.h"
#include "services/shell/web.h"

#include <stdio.h>

#define CONTEXTS 2
#define RENDER_TIME_MS 500
#define RENDER_MEMORY_BYTES_MAX ((size_t)192 << 20)
/* For a context that is free; where many wait, browsers are many too. */
#define WAIT_MS_MAX 5000

void shell_start_renderer(struct shell_state *shell, const struct log_context *log)
{
    char message[RENDER_MESSAGE_BYTES] = "";
    const struct renderer_config config = {
        .bundle = web_render_script(shell->web),
        .contexts = CONTEXTS,
        .render_time_ms = RENDER_TIME_MS,
        .memory_bytes_max = RENDER_MEMORY_BYTES_MAX,
    };

    if (!web_is_built(shell->web))
        return;
    int result = ERR_NOT_FOUND;
    if (config.bundle.len)
        result = renderer_new(&shell->renderer, &config, message);
    else
        snprintf(message, sizeof(message), "%s", "there is no server/render.js");
    if (result < 0)
        log_error(log, "pages are rendered by the browser alone", LOG_ERR(result), LOG_CSTR("detail", message));
}

bool page_render(struct page *page, struct str json, struct buf *html)
{
    char message[RENDER_MESSAGE_BYTES] = "";
    int64_t deadline_ns = clock_monotonic_ns() + WAIT_MS_MAX * CLOCK_NS_PER_MS;

    if (!page->shell->renderer)
        return false;
    if (deadline_ns > page->call->deadline_ns)
        deadline_ns = page->call->deadline_ns;
    int result = renderer_render(page->shell->renderer, json, deadline_ns, html, message);
    if (result >= 0)
        return true;
    log_error(&page->call->log, "a page was not rendered: the browser does it", LOG_CSTR("kind", page->document->kind),
              LOG_ERR(result), LOG_CSTR("detail", message));
    /* A page is a function of its document. One that failed by it would fail again, at the price of a new context each
     * time: it is kept as any other is, until the document changes. */
    page->is_makeshift = result == ERR_UNAVAILABLE;
    return false;
}
