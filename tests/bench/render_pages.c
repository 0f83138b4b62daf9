/* render_pages BUNDLE DOCUMENT [RENDERS [TASKS]]: what a rendered page costs, by the program that the shop uses. Prints
 * one line of JSON: the start, the first and later renders, CPU of this process and of the contexts, their memory. */
#include "platform/ports/clock/clock.h"
#include "platform/render/render.h"
#include "tests/bench/rendering.h"

#define TASKS_MAX 64
#define RENDER_TIME_MS 1000

struct bench {
    struct renderer *renderer;
    struct str document;
    int64_t *durations_ns;
    _Atomic int next;
    _Atomic int failures;
    int count;
    size_t html_bytes;
};

static void render_many(void *argument)
{
    struct bench *bench = argument;
    struct buf html = BUF(RENDER_HTML_BYTES_MAX);
    char message[RENDER_MESSAGE_BYTES] = "";
    int i;

    while ((i = bench->next++) < bench->count) {
        int64_t start_ns = clock_monotonic_ns();
        buf_clear(&html);
        if (renderer_render(bench->renderer, bench->document, TASK_FOREVER, &html, message) < 0) {
            bench->failures++;
            fprintf(stderr, "%s\n", message);
        }
        bench->durations_ns[i] = clock_monotonic_ns() - start_ns;
        bench->html_bytes = html.len;
    }
    buf_free(&html);
}

static void report(struct bench *bench, int64_t start_ns, int64_t first_ns, int64_t wall_ns, int64_t cpu_ns)
{
    qsort(bench->durations_ns, (size_t)bench->count, sizeof(int64_t), bench_compare_ns);
    printf("{\"start_us\":%.0f,\"first_us\":%.0f,\"renders\":%d,\"failures\":%d,\"html_bytes\":%zu,\"wall_us\":%.1f,"
           "\"own_cpu_us\":%.1f,\"p50_us\":%.0f,\"p95_us\":%.0f,\"p99_us\":%.0f}\n",
           bench_us(start_ns), bench_us(first_ns), bench->count, bench->failures, bench->html_bytes,
           bench_us(wall_ns) / bench->count, bench_us(cpu_ns) / bench->count,
           bench_us(bench->durations_ns[bench->count / 2]), bench_us(bench->durations_ns[bench->count * 95 / 100]),
           bench_us(bench->durations_ns[bench->count * 99 / 100]));
}

static void run(struct bench *bench, int task_count)
{
    struct task *tasks[TASKS_MAX];

    for (int i = 0; i < task_count; i++)
        ASSERT(task_start(&tasks[i], "bench", render_many, bench) == 0);
    for (int i = 0; i < task_count; i++)
        task_join(tasks[i]);
}

int main(int argument_count, char **arguments)
{
    char message[RENDER_MESSAGE_BYTES] = "";
    struct bench bench = {.count = 1};
    struct renderer_config config = {
        .contexts = 2, .render_time_ms = RENDER_TIME_MS, .memory_bytes_max = BENCH_MEMORY_BYTES_MAX};

    if (argument_count < 3) {
        fprintf(stderr, "render_pages BUNDLE DOCUMENT [RENDERS [TASKS]]\n");
        return 1;
    }
    int count = argument_count > 3 ? atoi(arguments[3]) : BENCH_RENDERS;
    int task_count = argument_count > 4 ? atoi(arguments[4]) : 1;
    if (count < 1 || task_count < 1 || task_count > TASKS_MAX)
        return 1;
    config.bundle = bench_read_file(arguments[1]);
    bench.document = bench_read_file(arguments[2]);
    bench.durations_ns = calloc((size_t)count, sizeof(int64_t));
    ASSERT(bench.durations_ns);
    int64_t start_ns = clock_monotonic_ns();
    if (render_start(true, message) < 0 || renderer_new(&bench.renderer, &config, message) < 0) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    start_ns = clock_monotonic_ns() - start_ns;
    run(&bench, 1);
    int64_t first_ns = bench.durations_ns[0];
    bench.count = count;
    bench.next = 0;
    int64_t cpu_ns = clock_cpu_ns(), wall_ns = clock_monotonic_ns();
    run(&bench, task_count);
    report(&bench, start_ns, first_ns, clock_monotonic_ns() - wall_ns, clock_cpu_ns() - cpu_ns);
    fflush(stdout);
    if (argument_count > 5) /* so that somebody can look at the contexts */
        getchar();
    renderer_free(bench.renderer);
    return bench.failures > 0;
}
