/* The make of clock.h that the shop runs on: the kernel's clocks. */
#include "platform/base/err.h"
#include "platform/ports/clock/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id" /* random(4): another one after each boot */
#define BOOT_ID_BYTES 37                               /* a UUID and its end */

#define BOOT_MS_MAX (INT64_MAX / 2)

/* What the steady clock said when CLOCK_BOOTTIME was at its start; 0 until it is first read. */
static _Atomic int64_t boot_ms;

static int64_t read_clock_ns(clockid_t clock)
{
    struct timespec now;
    ASSERT(clock_gettime(clock, &now) == 0);
    return now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
    return read_clock_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return read_clock_ns(CLOCK_REALTIME) / CLOCK_NS_PER_MS;
}

int64_t clock_cpu_ns(void)
{
    return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* -- The steady clock --------------------------------------------------------------------------------------------- */

static int64_t since_boot_ms(void)
{
    return read_clock_ns(CLOCK_BOOTTIME) / CLOCK_NS_PER_MS;
}

int64_t clock_steady_ms(void)
{
    int64_t passed_ms = since_boot_ms();
    int64_t known_ms = atomic_load_explicit(&boot_ms, memory_order_relaxed);
    if (known_ms == 0) {
        int64_t now_ms = clock_wall_ms() - passed_ms;
        if (atomic_compare_exchange_strong(&boot_ms, &known_ms, now_ms))
            known_ms = now_ms;
    }
    return known_ms + passed_ms;
}

static int read_boot_id(char ret_id[BOOT_ID_BYTES])
{
    FILE *file = fopen(BOOT_ID_PATH, "re");
    if (!file)
        return -1;
    bool is_read = fgets(ret_id, BOOT_ID_BYTES, file) && strlen(ret_id) == BOOT_ID_BYTES - 1;
    fclose(file);
    errno = is_read ? errno : EIO;
    return is_read ? 0 : -1;
}

/* A line of the file: which boot, what the steady clock said at its start, and the mark. */
struct kept {
    char boot_id[BOOT_ID_BYTES];
    int64_t boot_ms;
    struct clock_mark mark;
    bool has_mark; /* not in a file of before there were marks */
};

static bool is_time(int64_t time_ms)
{
    return time_ms > 0 && time_ms < BOOT_MS_MAX;
}

static bool read_kept(const char *path, struct kept *ret_kept)
{
    struct kept kept;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    int count = fscanf(file, "%36s %" SCNd64 " %" SCNd64 " %" SCNd64, kept.boot_id, &kept.boot_ms, &kept.mark.steady_ms,
                       &kept.mark.wall_ms);
    fclose(file);
    kept.has_mark = count == 4 && is_time(kept.mark.steady_ms) && is_time(kept.mark.wall_ms);
    if (count < 2 || !is_time(kept.boot_ms))
        return false;
    *ret_kept = kept;
    return true;
}

/* Replaced as a whole; the bytes are on disk before the name is theirs. */
static int write_kept(const char *path, const struct kept *kept)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    FILE *file = fopen(part, "we");
    if (!file)
        return -1;
    bool is_written = fprintf(file, "%s %" PRId64 " %" PRId64 " %" PRId64 "\n", kept->boot_id, kept->boot_ms,
                              kept->mark.steady_ms, kept->mark.wall_ms) > 0 &&
                      fflush(file) == 0 && fdatasync(fileno(file)) == 0;
    is_written = fclose(file) == 0 && is_written;
    return is_written && rename(part, path) == 0 ? 0 : -1;
}

static int path_of(const char *folder, char ret_path[PATH_MAX])
{
    if (snprintf(ret_path, PATH_MAX, "%s/clock", folder) < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

int clock_mark(const char *folder)
{
    char path[PATH_MAX];
    struct kept kept;
    if (path_of(folder, path) < 0 || read_boot_id(kept.boot_id) < 0)
        return -1;
    kept.mark = (struct clock_mark){clock_steady_ms(), clock_wall_ms()};
    kept.boot_ms = kept.mark.steady_ms - since_boot_ms();
    return write_kept(path, &kept);
}

int clock_keep_steady(const char *folder)
{
    char path[PATH_MAX], boot_id[BOOT_ID_BYTES];
    struct kept kept;
    if (path_of(folder, path) < 0 || read_boot_id(boot_id) < 0)
        return -1;
    bool is_kept = read_kept(path, &kept);
    if (is_kept && strcmp(kept.boot_id, boot_id) == 0)
        atomic_store(&boot_ms, kept.boot_ms);
    else if (is_kept && kept.has_mark)
        atomic_store(&boot_ms, clock_after_boot_ms(&kept.mark, clock_wall_ms()) - since_boot_ms());
    return clock_mark(folder);
}
