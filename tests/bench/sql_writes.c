/* How many durable writes a second the sql port carries: N tasks that each insert one row at a time.
 *
 * usage: sql_writes FOLDER [tasks] [seconds]; prints writes/s, commits, writes a commit, CPU a write, and reads/s of
 * one task afterwards. FOLDER must be on the disk that is meant, and is left with bench.db in it. */
#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"
#include "platform/ports/sql/sql.h"
#include "platform/ports/sql/test_sql_conformance.sql.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define TASKS_MAX 1024
#define READS 100000

static struct sql_db *db;
static atomic_bool is_over;
static atomic_ullong next_id;

static int insert(struct sql_tx *tx, void *argument)
{
    return sql_exec(tx, &ports_sql_test_insert, SQL_ARGS(sql_cstr(argument), sql_int(1), sql_null()), NULL);
}

static void write_until_over(void *argument)
{
    unsigned long long *count = argument;
    while (!atomic_load(&is_over)) {
        char id[40];
        snprintf(id, sizeof(id), "%020llu", atomic_fetch_add(&next_id, 1));
        if (sql_write(db, insert, id) != 0)
            exit(1);
        (*count)++;
    }
}

static int get(struct sql_tx *tx, void *argument)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &ports_sql_test_get, SQL_ARGS(sql_cstr(argument)), &rows);
    return found < 0 ? found : 0;
}

static int open_bench(const char *folder)
{
    static const struct sql_migration items = {
        .number = 1,
        .name = "items",
        .text = "CREATE TABLE item (id text PRIMARY KEY, quantity bigint NOT NULL, note text);"};
    char url[4096], message[512];
    snprintf(url, sizeof(url), "sqlite:%s/bench.db", folder);
    struct sql_config config = {.url = url};
    int error = sql_open(&db, &config, message);
    if (!error)
        error = sql_migrate(db, "bench", &items, 1, message);
    if (error)
        fprintf(stderr, "sql_writes: %s\n", message);
    return error;
}

static void measure_writes(unsigned task_count, int64_t seconds)
{
    static struct task *tasks[TASKS_MAX];
    static unsigned long long counts[TASKS_MAX];
    struct sql_stats before, after;
    sql_get_stats(db, &before);
    int64_t started_ns = clock_monotonic_ns();
    int64_t cpu_ns = clock_cpu_ns();
    for (unsigned i = 0; i < task_count; i++)
        if (task_start(&tasks[i], "bench-writer", write_until_over, &counts[i]) != 0)
            exit(1);
    task_sleep_ms(seconds * 1000);
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < task_count; i++)
        task_join(tasks[i]);
    double elapsed_s = (double)(clock_monotonic_ns() - started_ns) / 1e9;
    cpu_ns = clock_cpu_ns() - cpu_ns;
    sql_get_stats(db, &after);
    double writes = (double)(after.writes - before.writes);
    double commits = (double)(after.commits - before.commits);
    printf("tasks %u: %.0f writes/s, %.0f commits/s, %.1f writes a commit, %.1f us CPU a write\n", task_count,
           writes / elapsed_s, commits / elapsed_s, writes / commits, (double)cpu_ns / writes / 1e3);
}

static void measure_reads(void)
{
    int64_t started_ns = clock_monotonic_ns();
    for (unsigned long long i = 0; i < READS; i++) {
        char id[40];
        snprintf(id, sizeof(id), "%020llu", i % 1000);
        if (sql_read(db, get, id) != 0)
            exit(1);
    }
    printf("one reader: %.2f us a read\n", (double)(clock_monotonic_ns() - started_ns) / READS / 1e3);
}

int main(int argc, char **argv)
{
    unsigned task_count = argc > 2 ? (unsigned)atoi(argv[2]) : 64;
    int64_t seconds = argc > 3 ? atoi(argv[3]) : 5;
    if (argc < 2 || task_count == 0 || task_count > TASKS_MAX || open_bench(argv[1]) != 0)
        return 2;
    measure_writes(task_count, seconds);
    measure_reads();
    sql_close(db);
    return 0;
}
