/* The HTML of a page's root, by the renderer's processes; without it the browser renders the page from its document. */
#include "platform/render/render.h"

#include "services/shell/page.h"
#include "services/shell/web.h"

#define CONTEXTS 2
#define RENDER_TIME_MS 500
#define RENDER_MEMORY_BYTES_MAX ((size_t)192 << 20)

void shell_start_renderer(struct shell_state *shell, const struct log_context *log)
{
    char message[RENDER_MESSAGE_BYTES] = "";
    const struct renderer_config config = {
        .bundle = web_render_script(shell->web),
        .contexts = CONTEXTS,
        .render_time_ms = RENDER_TIME_MS,
        .memory_bytes_max = RENDER_MEMORY_BYTES_MAX,
    };

    if (!config.bundle.len)
        return;
    int result = renderer_new(&shell->renderer, &config, message);
    if (result < 0)
        log_error(log, "pages are rendered by the browser alone", LOG_ERR(result), LOG_CSTR("detail", message));
}

void page_render(struct page *page, struct str json, struct buf *html)
{
    char message[RENDER_MESSAGE_BYTES] = "";

    if (!page->shell->renderer)
        return;
    int result = renderer_render(page->shell->renderer, json, page->call->deadline_ns, html, message);
    if (result < 0)
        log_error(&page->call->log, "a page was not rendered: the browser does it",
                  LOG_CSTR("kind", page->document->kind), LOG_ERR(result), LOG_CSTR("detail", message));
}
