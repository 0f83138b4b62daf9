/* One context's life, in a process of its own: it evaluates the bundle that comes first, then renders document after
 * document, until its socket closes. It never returns to whoever forked it. */
#pragma once

#include "platform/render/render_frame.h"

/* Called in a process that was just forked and has one thread. */
_Noreturn void renderer_run(int socket, const struct render_command *limits, bool has_sandbox);
