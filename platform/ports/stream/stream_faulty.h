/* The fault-injecting decorator of the stream port, see platform/ports/fault.h. */
#pragma once

#include "platform/ports/fault.h"
#include "platform/ports/stream/stream.h"

/* Puts it in front of *stream, which it frees with itself. plan NULL: nothing is done. ERR_NO_MEMORY: *stream is as it
 * was. */
int stream_faulty_wrap(struct stream **stream, struct fault_plan *plan);
