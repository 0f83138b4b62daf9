/* The program shopstream-render as the serving process sees it: contexts are started and ended by it, over its control
 * socket. Private to platform/render. Any task may call; they take turns. */
#pragma once

#include "platform/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct render_context {
    int socket; /* -1: there is none */
    pid_t process;
};

#define RENDER_NO_CONTEXT ((struct render_context){.socket = -1})

bool render_process_is_started(void);

/* A new context without a bundle yet. ERR_UNAVAILABLE. */
int render_process_make(int64_t render_time_ms, size_t memory_bytes_max, struct render_context *ret_context);

/* Ends it, whatever it does, and leaves RENDER_NO_CONTEXT. */
void render_process_end(struct render_context *context);
