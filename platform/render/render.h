/* Renders a page document to HTML, with the same React component that runs in the browser.
 *
 * A renderer holds a small pool of JavaScript contexts, each with the same bundle evaluated: a classic script that
 * defines the global function renderPage(document), from a page document's JSON to the HTML of the page's root, as a
 * string. A context has no network, no files, no timers and no clock of its own; a page is a pure function of its
 * document. A context that fails, runs long or grows beyond its memory is thrown away and made anew, and its render is
 * the only one that fails. Any task may render; more of them than there are contexts wait for one. */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "platform/base/str.h"

#include <stddef.h>
#include <stdint.h>

struct renderer;

struct renderer_config {
    struct str bundle;        /* copied */
    unsigned contexts;        /* made one after the other, as they are needed */
    int64_t render_time_ms;   /* of one render, the wait for a context not counted */
    size_t memory_bytes_max;  /* of each context's heap */
};

/* ERR_INVALID when the bundle does not evaluate or defines no renderPage; the reason is in ret_message. */
int renderer_new(struct renderer **ret_renderer, const struct renderer_config *config, char ret_message[256]);
void renderer_free(struct renderer *renderer);

/* Appends the HTML. ERR_DEADLINE when it ran long or no context came free before deadline_ns (of clock_monotonic_ns),
 * ERR_NO_MEMORY, or ERR_INTERNAL when the script threw: ret_message has what it said, without the document. */
int renderer_render(struct renderer *renderer, struct str document, int64_t deadline_ns, struct buf *ret_html,
                    char ret_message[256]);

struct renderer_stats {
    uint64_t renders, failures, restarts;
    size_t heap_bytes; /* of all contexts, as last seen */
};
void renderer_get_stats(struct renderer *renderer, struct renderer_stats *ret_stats);
