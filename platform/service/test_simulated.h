/* For tests of what runs on the simulated scheduler, clock, network and disk: in a child, since SQLite's configuration
 * and what a simulation leaves behind end with it. */
#pragma once

#include "platform/base/simulator.h"
#include "platform/ports/sql/vfs_simulated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs the process by seed 1 on a disk of that name, which is its argument; it must come to that end. */
static inline void test_simulate(const char *disk_name, simulator_main_fn *process, enum simulator_end end)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        simulated_disk_configure_sqlite();
        const struct simulator_options options = {0};
        struct simulator_result result;
        simulator_run(1, &options, process, simulated_disk_new(disk_name), &result);
        _exit(result.end == end ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
