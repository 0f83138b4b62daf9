/* What both ways of measuring a rendered page have in common: see rendering.py. */
#pragma once

#include "platform/base/buf.h"
#include "platform/base/task.h"

#include <stdio.h>
#include <stdlib.h>

#define BENCH_FILE_BYTES_MAX ((size_t)8 << 20)
#define BENCH_MEMORY_BYTES_MAX ((size_t)256 << 20) /* that a context may have */
#define BENCH_RENDERS 2000

/* The file's content, with a NUL behind it; the program ends where it cannot be read. */
static inline struct str bench_read_file(const char *path)
{
    struct buf content = BUF(BENCH_FILE_BYTES_MAX);
    FILE *file = fopen(path, "re");
    size_t got;

    if (!file) {
        perror(path);
        exit(1);
    }
    do {
        char *to = buf_reserve(&content, 65536);
        ASSERT(to);
        got = fread(to, 1, 65535, file);
        to[got] = '\0';
        buf_commit(&content, got);
    } while (got > 0);
    fclose(file);
    return buf_str(&content);
}

static inline int bench_compare_ns(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

static inline double bench_us(int64_t ns)
{
    return (double)ns / 1000;
}
