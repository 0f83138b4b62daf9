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

/* Whether the file is of this boot. */
static bool read_kept(const char *path, const char *boot_id, int64_t *ret_boot_ms)
{
    char kept_id[BOOT_ID_BYTES];
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool is_kept = fscanf(file, "%36s %" SCNd64, kept_id, ret_boot_ms) == 2 && strcmp(kept_id, boot_id) == 0 &&
                   *ret_boot_ms > 0 && *ret_boot_ms < BOOT_MS_MAX;
    fclose(file);
    return is_kept;
}

/* Replaced as a whole, and not synced: a machine that goes down comes back with another boot's id. */
static int write_kept(const char *path, const char *boot_id, int64_t kept_ms)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    FILE *file = fopen(part, "we");
    if (!file)
        return -1;
    bool is_written = fprintf(file, "%s %" PRId64 "\n", boot_id, kept_ms) > 0;
    is_written = fclose(file) == 0 && is_written;
    return is_written && rename(part, path) == 0 ? 0 : -1;
}

int clock_keep_steady(const char *folder)
{
    char path[PATH_MAX], boot_id[BOOT_ID_BYTES];
    if (snprintf(path, sizeof(path), "%s/clock", folder) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (read_boot_id(boot_id) < 0)
        return -1;
    int64_t kept_ms;
    if (read_kept(path, boot_id, &kept_ms)) {
        atomic_store(&boot_ms, kept_ms);
        return 0;
    }
    return write_kept(path, boot_id, clock_steady_ms() - since_boot_ms());
}
