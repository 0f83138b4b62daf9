/* What the serving process and the program shopstream-render say to each other, over sockets of one machine and one
 * build: structs as they lie in memory. The serving process believes nothing that comes back but that it is bytes.
 *
 *   control socket (SOCK_SEQPACKET)  render_command → render_started, with the new context's socket (SCM_RIGHTS)
 *   a context's socket (SOCK_STREAM) render_request and the bundle → render_reply
 *                                    render_request and a document → render_reply and the HTML, or what went wrong */
#pragma once

#include "platform/base/err.h"

#include <stdint.h>
#include <sys/types.h>

#define RENDER_CONTROL_DESCRIPTOR 3 /* where the program finds the control socket */

struct render_command {
    pid_t end;              /* the context's process that shall end; 0: make one */
    int64_t render_time_ms; /* see struct renderer_config */
    uint64_t memory_bytes_max;
};

struct render_started {
    int32_t error;
    pid_t process;
};

struct render_request {
    uint64_t length;
};

struct render_reply {
    int32_t error;           /* ERR_…: what follows is a message */
    uint32_t is_last;        /* 1: the context ends now. No bool: what comes from a context may be anything */
    uint64_t length;         /* of what follows */
    uint64_t resident_bytes; /* the most that the process had */
};
