/* The fault-injecting decorator of the cache port, see platform/ports/fault.h. A subscription fails before it is made
 * or not at all, as a lost answer would leave one that nobody can end. */
#pragma once

#include "platform/ports/fault.h"
#include "platform/ports/cache/cache.h"

/* Puts it in front of *cache, which it frees with itself. plan NULL: nothing is done. ERR_NO_MEMORY: *cache is as it
 * was. */
int cache_faulty_wrap(struct cache **cache, struct fault_plan *plan);
