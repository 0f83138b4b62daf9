/* An empty database in a folder of its own, for the tests of what stands on the sql port. */
#pragma once

#include "platform/base/test_folder.h"
#include "platform/ports/sql/sql.h"

#include <stdio.h>
#include <stdlib.h>

struct test_database {
    struct sql_db *db;
    char folder[TEST_FOLDER_BYTES];
    char message[512];
};

static inline int test_database_open(struct test_database *t, const char *list_name,
                                     const struct sql_migration *migrations, size_t count)
{
    char url[256];
    test_folder_make(t->folder);
    snprintf(url, sizeof(url), "sqlite:%s/test.db", t->folder);
    struct sql_config config = {.url = url};
    TRY(sql_open(&t->db, &config, t->message));
    return sql_migrate(t->db, list_name, migrations, count, t->message);
}

static inline void test_database_close(struct test_database *t)
{
    sql_close(t->db);
    test_folder_remove(t->folder);
}
