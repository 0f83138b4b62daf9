/* One question to a context, by its socket, and what came back. Private to platform/render.
 *
 * What a context says is not believed: a document could have taken it over. An answer is at most as long as it may be,
 * a message is one line of ASCII, and nothing beyond the answer is read. */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/str.h"
#include "platform/render/render.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Says why, and gives the error back. */
static inline int render_refuse(int error, char ret_message[RENDER_MESSAGE_BYTES], const char *message)
{
    snprintf(ret_message, RENDER_MESSAGE_BYTES, "%s", message);
    return error;
}

struct render_answer {
    bool is_last;           /* the context answers nothing more: it is to be ended */
    int64_t resident_bytes; /* the most that its process had, as it says; 0: it said nothing */
};

/* Sends a bundle or a document and appends the HTML that comes back. Errors, and ret_html and ret_message with them,
 * are those of renderer_render; ret_answer is always filled. */
int render_ask(int socket, struct str body, int64_t deadline_ns, struct buf *ret_html, struct render_answer *ret_answer,
               char ret_message[RENDER_MESSAGE_BYTES]);
