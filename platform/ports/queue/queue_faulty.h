/* The fault-injecting decorator of the queue port, see platform/ports/fault.h. */
#pragma once

#include "platform/ports/fault.h"
#include "platform/ports/queue/queue.h"

/* Puts it in front of *queue, which it frees with itself. plan NULL: nothing is done. ERR_NO_MEMORY: *queue is as it
 * was. */
int work_queue_faulty_wrap(struct work_queue **queue, struct fault_plan *plan);
