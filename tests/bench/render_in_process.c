/* render_in_process BUNDLE DOCUMENT [RENDERS]: what a rendered page costs where JavaScriptCore is in the process that
 * asks, by the same calls that shopstream-render makes. Prints a line of JSON and waits for a line, so that somebody
 * can look at the process; render_pages does the same with contexts in processes of their own. See rendering.py. */
#include "platform/ports/clock/clock.h"
#include "renderer/context.h"
#include "tests/bench/rendering.h"

#include <signal.h>

#define HTML_BYTES_MAX ((size_t)48 << 20)
#define MESSAGE_BYTES 256

static void render(struct context *context, const char *document, int64_t *ret_duration_ns)
{
    static struct buf html = BUF(HTML_BYTES_MAX);
    char message[MESSAGE_BYTES] = "";
    int64_t start_ns = clock_monotonic_ns();

    if (context_render(context, document, &html, message, sizeof(message)) < 0) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
    *ret_duration_ns = clock_monotonic_ns() - start_ns;
}

struct run {
    const char *bundle, *document;
    int count;
};

/* As in shopstream-render, with the signals by which JavaScriptCore stops threads, and a stack as deep. */
static void measure(void *argument)
{
    const struct run *run = argument;
    char message[MESSAGE_BYTES] = "";
    struct context *context;
    int64_t *durations_ns = calloc((size_t)run->count, sizeof(int64_t)), first_ns;
    int64_t start_ns = clock_monotonic_ns();
    sigset_t all;

    ASSERT(durations_ns);
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    if (context_prepare(BENCH_MEMORY_BYTES_MAX) < 0 ||
        context_new(&context, run->bundle, message, sizeof(message)) < 0) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
    start_ns = clock_monotonic_ns() - start_ns;
    render(context, run->document, &first_ns);
    int64_t cpu_ns = clock_cpu_ns();
    for (int i = 0; i < run->count; i++)
        render(context, run->document, &durations_ns[i]);
    cpu_ns = clock_cpu_ns() - cpu_ns;
    qsort(durations_ns, (size_t)run->count, sizeof(int64_t), bench_compare_ns);
    printf("{\"start_us\":%.0f,\"first_us\":%.0f,\"renders\":%d,\"own_cpu_us\":%.1f,\"p50_us\":%.0f,\"p95_us\":%.0f}\n",
           bench_us(start_ns), bench_us(first_ns), run->count, bench_us(cpu_ns) / run->count,
           bench_us(durations_ns[run->count / 2]), bench_us(durations_ns[run->count * 95 / 100]));
    fflush(stdout);
    getchar();
    free(durations_ns);
}

int main(int argument_count, char **arguments)
{
    struct run run = {.count = BENCH_RENDERS};
    struct task *task;

    if (argument_count < 3) {
        fprintf(stderr, "render_in_process BUNDLE DOCUMENT [RENDERS]\n");
        return 1;
    }
    run.bundle = bench_read_file(arguments[1]).ptr;
    run.document = bench_read_file(arguments[2]).ptr;
    if (argument_count > 3)
        run.count = atoi(arguments[3]);
    if (run.count < 1 || task_start_deep(&task, "render", measure, &run) < 0)
        return 1;
    task_join(task);
    return 0;
}
