/* The fault-injecting decorator of the kv port, see platform/ports/fault.h. */
#pragma once

#include "platform/ports/fault.h"
#include "platform/ports/kv/kv.h"

/* Puts it in front of *kv, which it frees with itself. plan NULL: nothing is done. ERR_NO_MEMORY: *kv is as it
 * was. */
int kv_faulty_wrap(struct kv **kv, struct fault_plan *plan);
