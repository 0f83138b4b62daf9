/* What the torture found, as figures and as a page to show. */
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/torture/torture.h"
#include "platform/base/time_format.h"
#include "platform/ports/clock/clock.h"

#include <stdlib.h>
#include <sys/utsname.h>

#define REPORT_BYTES_MAX ((size_t)64 << 10)

bool torture_has_passed(const struct torture *torture)
{
    bool has_passed = torture->check_count > 0;

    for (size_t i = 0; i < torture->check_count; i++)
        has_passed = has_passed && torture->checks[i].passed;
    return has_passed;
}

size_t torture_count_attempts(const struct torture *torture)
{
    size_t count = 0;

    for (size_t i = 0; i < torture->round_count; i++)
        count += torture->rounds[i]->attempt_count;
    return count;
}

size_t torture_count_orders(const struct torture *torture)
{
    size_t count = 0;

    for (size_t i = 0; i < torture->round_count; i++) {
        for (size_t j = 0; j < torture->rounds[i]->attempt_count; j++)
            count += torture->rounds[i]->attempts[j].status == 201;
    }
    return count;
}

static int compare_ms(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

int64_t torture_recovery_ms(const struct torture *torture, double share)
{
    size_t count = torture->recovery_count;
    int64_t *sorted = count ? malloc(count * sizeof(*sorted)) : NULL;

    if (!sorted)
        return 0;
    memcpy(sorted, torture->recovery_ms, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_ms);
    int64_t ms = sorted[(size_t)((double)(count - 1) * share)];
    free(sorted);
    return ms;
}

static void write_figures(const struct torture *torture, struct buf *page)
{
    char now[TIME_RFC3339_BYTES];
    struct utsname system = {0};

    uname(&system);
    time_format_rfc3339(torture->started_wall_ms, now);
    buf_printf(page, "Begun %s on %s %s, %s, %u processors.\n\n", now, system.sysname, system.release, system.machine,
               task_processor_count());
    buf_append_cstr(page, "| figure | |\n|---|---|\n");
    buf_printf(page, "| articles, units of each | %zu, %d |\n", torture->round_count, TORTURE_UNITS);
    buf_printf(page, "| attempts to buy | %zu |\n", torture_count_attempts(torture));
    buf_printf(page, "| orders acknowledged | %zu |\n", torture_count_orders(torture));
    buf_printf(page, "| kill -9 while they bought | %u |\n", torture->kills);
    buf_printf(page, "| requests that a kill cut, sent again under their keys | %u |\n", torture->interrupted);
    buf_printf(page, "| recovery, start to ready: median, 95 %%, longest | %lld, %lld, %lld ms |\n",
               (long long)torture_recovery_ms(torture, 0.5), (long long)torture_recovery_ms(torture, 0.95),
               (long long)torture_recovery_ms(torture, 1));
    buf_printf(page, "| commits with an fsync each, at least | %llu |\n", torture->commits);
    buf_printf(page, "| looks at the stock while it sold | %u |\n", torture->watched);
}

int torture_write_report(const struct torture *torture, const char *path)
{
    CLEANUP(buf_free) struct buf page = BUF(REPORT_BYTES_MAX);

    buf_printf(&page, "# Shopstream under torture: %s\n\n", torture_has_passed(torture) ? "passed" : "FAILED");
    buf_append_cstr(&page, "A shop was killed with SIGKILL again and again while many buyers wanted few units, and "
                           "audited from outside afterwards. Made by `shopstream torture`.\n\n");
    write_figures(torture, &page);
    buf_append_cstr(&page, "\n| check | | found |\n|---|---|---|\n");
    for (size_t i = 0; i < torture->check_count; i++)
        buf_printf(&page, "| %s | %s | %s |\n", torture->checks[i].name, torture->checks[i].passed ? "ok" : "**FAIL**",
                   torture->checks[i].detail);
    buf_append_cstr(&page, "\nkill -9 leaves what was written to the system's memory, so it cannot show a missing "
                           "fsync. That is what the simulation (`make sim`) is for: it drops what was not synced.\n");
    return buf_error(&page) ? EXIT_FAILED : file_write(path, buf_str(&page));
}
