/* A JavaScript context: JavaScriptCore by its C API. One a process, for one thread. */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/err.h"
#include "platform/base/str.h"

#include <stddef.h>

struct context;

/* JavaScriptCore is told how much memory it may take by its environment, before its first call. */
int context_prepare(size_t memory_bytes_max);

/* The bundle ends by a NUL. ERR_INVALID: it threw, which ret_message tells whole, as nobody's data is in it; or it
 * defines no renderPage. */
int context_new(struct context **ret_context, const char *bundle, char *ret_message, size_t message_size);

/* The document ends by a NUL. Replaces what is in ret_html. ERR_INTERNAL: it threw, ret_message says what kind of error
 * and where in the bundle, but not what the error says, which may quote the document; or it returned no string.
 * ERR_TOO_LARGE, ERR_NO_MEMORY. */
int context_render(struct context *context, const char *document, struct buf *ret_html, char *ret_message,
                   size_t message_size);

/* To be called when a page is answered: what the last ones left behind is collected now and then, while nobody waits.
 */
void context_rest(struct context *context);
