/* JSON text → yyjson values in an arena, bounded in depth and number; private to platform/wire. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/problem.h"

#include <yyjson.h>

/* Parses one whole JSON text. The values lie in the arena and need no release; their strings are unescaped, end with
 * NUL and are UTF-8, but may contain NUL as well. ERR_INVALID for what is empty, not JSON, deeper than WIRE_DEPTH_MAX
 * or of more than WIRE_VALUES_MAX values; ERR_NO_MEMORY. */
int wire_parse(struct arena *arena, struct str json, yyjson_val **ret_root, struct problem *ret_problem);
