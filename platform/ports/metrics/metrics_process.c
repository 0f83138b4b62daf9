/* What the process itself says: the names are those of Prometheus' own clients. */
#include "platform/ports/clock/clock.h"
#include "platform/ports/metrics/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

/* The second number of /proc/self/statm (proc(5)): resident pages. */
static int64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    long pages = 0;
    int found = fscanf(file, "%*d %ld", &pages);
    fclose(file);
    return found == 1 ? (int64_t)pages * sysconf(_SC_PAGESIZE) : 0;
}

static int64_t open_files(void)
{
    const int64_t files_max = 1 << 20;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return 0;
    int64_t count = -3; /* ".", "..", and the one that reads */
    while (count < files_max && readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static struct metric cpu_seconds = {.kind = METRIC_KIND_COUNTER,
                                    .name = "process_cpu_seconds_total",
                                    .help = "Total user and system CPU time spent in seconds.",
                                    .unit = 1e-9,
                                    .read = clock_cpu_ns};
static struct metric memory = {.kind = METRIC_KIND_GAUGE,
                               .name = "process_resident_memory_bytes",
                               .help = "Resident memory size in bytes.",
                               .read = resident_bytes};
static struct metric files = {.kind = METRIC_KIND_GAUGE,
                              .name = "process_open_fds",
                              .help = "Number of open file descriptors.",
                              .read = open_files};

void metrics_register_process(void)
{
    metric_register(&cpu_seconds);
    metric_register(&memory);
    metric_register(&files);
}
