/* What the fuzz targets share. A target states what must hold for any input by ASSERT; libFuzzer and the sanitizers
 * find the rest. Targets are quiet, keep no state that one input could leave to the next, and touch no network beyond
 * loopback. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/err.h"

#define FUZZ_ARENA_BYTES ((size_t)8 << 20)

/* libFuzzer's door. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line without its end; *rest becomes what follows it. For targets whose input has two parts. */
static inline struct str fuzz_take_line(struct str *rest)
{
    struct str line = STR_EMPTY;

    return str_next_token(rest, '\n', &line) ? line : STR_EMPTY;
}
