#include "tests/simulation/runner.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define JOBS_DEFAULT 2
#define LINE_BYTES 512

static _Noreturn void usage(const char *wrong)
{
    if (wrong)
        fprintf(stderr, "simulation: %s\n", wrong);
    fprintf(stderr,
            "simulation --seed N [--verbose] [--trace]   one seed; verbose: what happens, trace: each step, on stderr\n"
            "simulation --seeds N | --seeds A-B          many, each in a process of its own\n"
            "simulation --list FILE                      those of a file: a number first on each line, then why\n"
            "  --repeat N            each N times, in N processes, which must be the same history each time\n"
            "  --jobs N              at a time (%d)\n"
            "  --save FOLDER         where a violation leaves its databases, for SQLite's shell\n"
            "  --hashes              a line for each seed, with the hash of its trace\n"
            "  --plant BUG           %s\n"
            "  --expect-violation    stop at the first seed that finds it; fail when none does, or by something else\n"
            "  --breaks INVARIANT    what finds it, instead of what plant.c says\n",
            JOBS_DEFAULT, plant_names);
    exit(2);
}

static void parse_seeds(struct run *run, const char *text)
{
    char *end;
    run->first = 1;
    run->last = strtoull(text, &end, 10);
    if (*end == '-') {
        run->first = run->last;
        run->last = strtoull(end + 1, &end, 10);
    }
    if (end == text || *end || run->last < run->first)
        usage("--seeds takes a number or a range");
}

static int parse_count(const char *text, int least, int most, const char *wrong)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (end == text || *end || number < least || number > most)
        usage(wrong);
    return (int)number;
}

static void read_list(struct run *run, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[LINE_BYTES];
    if (!file)
        usage("the file of --list cannot be read");
    while (fgets(line, sizeof(line), file)) {
        char *end;
        uint64_t seed = strtoull(line, &end, 10);
        if (end == line)
            continue; /* a comment */
        if (run->listed_count == LISTED_MAX)
            usage("the file of --list is too long");
        run->listed[run->listed_count++] = seed;
    }
    fclose(file);
    if (run->listed_count == 0)
        usage("the file of --list has no seed");
}

static void parse_value(struct run *run, const char *name, const char *value)
{
    if (strcmp(name, "--seed") == 0) {
        parse_seeds(run, value);
        run->first = run->last;
        run->prints_hashes = true;
    } else if (strcmp(name, "--seeds") == 0) {
        parse_seeds(run, value);
    } else if (strcmp(name, "--list") == 0) {
        read_list(run, value);
    } else if (strcmp(name, "--repeat") == 0) {
        run->repeats = (uint64_t)parse_count(value, 1, 1000000, "--repeat is 1 to 1000000");
    } else if (strcmp(name, "--verdict") == 0) { /* see main.c */
        run->verdict_pipe = parse_count(value, 3, INT_MAX, "--verdict is a descriptor");
    } else if (strcmp(name, "--jobs") == 0) {
        run->jobs = parse_count(value, 1, JOBS_MAX, "--jobs is 1 to 16");
    } else if (strcmp(name, "--save") == 0) {
        run->save_folder = value;
    } else if (strcmp(name, "--breaks") == 0) {
        run->broken = value;
    } else if (strcmp(name, "--plant") == 0) {
        run->plant_name = value;
        if (!plant_parse(value, &run->plant))
            usage("there is no such bug to plant");
    } else {
        usage(name);
    }
}

void arguments_parse(struct run *run, int count, char **arguments)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--verbose", &run->is_verbose},
                 {"--trace", &run->is_traced},
                 {"--hashes", &run->prints_hashes},
                 {"--expect-violation", &run->expects_violation}};
    run->jobs = JOBS_DEFAULT;
    run->repeats = 1;
    for (int i = 1; i < count; i++) {
        bool is_flag = false;
        for (size_t j = 0; j < sizeof(flags) / sizeof(flags[0]); j++) {
            if (strcmp(arguments[i], flags[j].name) == 0)
                is_flag = *flags[j].flag = true;
        }
        if (is_flag)
            continue;
        if (i + 1 == count)
            usage(arguments[i]);
        parse_value(run, arguments[i], arguments[i + 1]);
        i++;
    }
    if (run->expects_violation && run->plant == PLANT_NONE)
        usage("--expect-violation takes a bug to plant");
    if (!run->last && !run->listed_count)
        usage("which seeds?");
}
