/* Renders a page document to HTML, with the same React component that runs in the browser.
 *
 * JavaScript never runs in the process that serves: each context is a process of its own, of the program
 * shopstream-render, which lies beside the one that runs (docs/adr/0014-rendering.md). It holds a bundle, evaluated
 * once: a classic script that defines the global function renderPage(document), from a page document's JSON to the HTML
 * of the page's root, as a string. It has no network, no files and no timers, and what it says is believed to be HTML
 * and nothing else; a page is a pure function of its document. A context that fails, runs long or grows beyond its
 * memory is thrown away and made anew by whoever needs it next, and its render is the only one that fails. Any task may
 * render; more of them than there are contexts wait for one. */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "platform/base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RENDER_MESSAGE_BYTES 256
#define RENDER_CONTEXTS_MAX 16
#define RENDER_BUNDLE_BYTES_MAX ((size_t)16 << 20)
#define RENDER_DOCUMENT_BYTES_MAX ((size_t)8 << 20)
#define RENDER_HTML_BYTES_MAX ((size_t)16 << 20)

/* Starts the program that makes contexts, once a process, before its first task and before it enters a sandbox, in
 * which no program can be started any more. It ends with this process, however that ends. has_sandbox: it has a
 * narrower one of its own. ERR_NOT_FOUND when it is not there, ERR_UNAVAILABLE when it did not start; ret_message says
 * why. */
int render_start(bool has_sandbox, char ret_message[RENDER_MESSAGE_BYTES]);

struct renderer;

struct renderer_config {
    struct str bundle;       /* copied */
    unsigned contexts;       /* at most RENDER_CONTEXTS_MAX; the first is made at once, the others as they are needed */
    int64_t render_time_ms;  /* of the processor, for one render; for evaluating the bundle, ten times. By the clock, a
                              * context has ten times longer than that, and a second: then it hangs */
    size_t memory_bytes_max; /* resident, of each context's process, what it maps of its libraries included */
};

/* Where nobody called render_start, as in tests, this does, without a sandbox; then not by two tasks at once.
 * ERR_INVALID when the bundle is no UTF-8, does not evaluate or defines no renderPage; the reason is in ret_message.
 * ERR_NOT_FOUND, ERR_UNAVAILABLE without the program; ERR_NO_MEMORY. */
int renderer_new(struct renderer **ret_renderer, const struct renderer_config *config,
                 char ret_message[RENDER_MESSAGE_BYTES]);

/* No task may be rendering. NULL is fine. */
void renderer_free(struct renderer *renderer);

/* Appends the HTML, which is UTF-8 (a lone surrogate becomes U+FFFD). On failure ret_html is as before, and ret_message
 * says why, without a word of the document: of what the script threw, the kind and the places in the bundle.
 *   ERR_DEADLINE    it ran longer, of the processor's time, than it may
 *   ERR_NO_MEMORY   it grew beyond its memory
 *   ERR_TOO_LARGE   the document, the HTML, or what ret_html may hold
 *   ERR_INVALID     the document is not UTF-8, or has a NUL
 *   ERR_INTERNAL    the script threw or returned no string
 *   ERR_UNAVAILABLE nothing is known of the document, and another time it may be rendered: the context crashed, was
 *                   killed or hung, none came free before deadline_ns (of clock_monotonic_ns), or none could be made */
int renderer_render(struct renderer *renderer, struct str document, int64_t deadline_ns, struct buf *ret_html,
                    char ret_message[RENDER_MESSAGE_BYTES]);
