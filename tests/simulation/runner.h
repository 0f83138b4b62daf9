/* What the program was asked to run; arguments.c fills it, main.c works it off. */
#pragma once

#include "tests/simulation/simulation.h"

#define JOBS_MAX 16
#define LISTED_MAX 256

struct run {
    uint64_t first, last;
    uint64_t listed[LISTED_MAX]; /* instead of first to last, when there are any */
    size_t listed_count;
    uint64_t repeats; /* of each seed; more than one: their hashes must be the same */
    enum plant plant;
    const char *plant_name;
    const char *broken; /* the invariant that it must break; NULL: as plant.c says */
    const char *save_folder;
    bool expects_violation, is_verbose, is_traced, prints_hashes;
    int jobs;
    int verdict_pipe; /* of a repeat, which runs one seed and says there what came of it; 0: it runs them all */
};

/* Says what is wrong and ends the program where the arguments are not good. */
void arguments_parse(struct run *run, int count, char **arguments);
