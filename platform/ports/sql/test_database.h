/* An empty database in a folder of its own, for the tests of what stands on the sql port. */
#pragma once

#include "platform/ports/sql/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct test_database {
    struct sql_db *db;
    char folder[200];
    char message[512];
};

static inline int test_database_open(struct test_database *t, const char *list_name,
                                     const struct sql_migration *migrations, size_t count)
{
    char url[256];
    snprintf(t->folder, sizeof(t->folder), "%.100s/shopstream-test-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(t->folder))
        return ERR_UNAVAILABLE;
    snprintf(url, sizeof(url), "sqlite:%s/test.db", t->folder);
    struct sql_config config = {.url = url};
    TRY(sql_open(&t->db, &config, t->message));
    return sql_migrate(t->db, list_name, migrations, count, t->message);
}

static inline void test_database_close(struct test_database *t)
{
    static const char *const files[] = {"test.db", "test.db-wal", "test.db-shm"};
    sql_close(t->db);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", t->folder, files[i]);
        unlink(path);
    }
    rmdir(t->folder);
}
