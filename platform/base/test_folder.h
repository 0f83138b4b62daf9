/* A folder of a test's own, below TMPDIR or else where temporary files lie. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TEST_FOLDER_BYTES 200

/* Ends the test's program when there can be none. */
static inline void test_folder_make(char ret_path[TEST_FOLDER_BYTES])
{
    const char *base = getenv("TMPDIR");

    snprintf(ret_path, TEST_FOLDER_BYTES, "%.150s/shopstream-test-XXXXXX", base && *base ? base : P_tmpdir);
    if (!mkdtemp(ret_path)) {
        perror(ret_path);
        exit(1);
    }
}

static inline int test_folder_remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

/* With all that is in it. */
static inline void test_folder_remove(const char *path)
{
    nftw(path, test_folder_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
