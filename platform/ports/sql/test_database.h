/* Databases for the tests of what stands on the sql port: of SQLite, in the test's folder, or where the variable has
 * the address of a Postgres server (the suite tests/engines/postgres sets it), a schema each on that. */
#pragma once

#include "platform/base/encode.h"
#include "platform/base/test_folder.h"
#include "platform/ports/sql/sql.h"

#include <stdio.h>
#include <stdlib.h>

#define TEST_POSTGRES_VARIABLE "SHOPSTREAM_TEST_POSTGRES"
#define TEST_SERVICE_BYTES 64

/* For what can only be tested, or only is so, in one of them. */
static inline bool test_database_is_postgres(void)
{
    return getenv(TEST_POSTGRES_VARIABLE) != NULL;
}

struct test_place {
    struct sql_place place;
    char service[TEST_SERVICE_BYTES];
};

/* A schema is called by the folder's last six characters, which mkdtemp made up, and by the name. */
static inline void test_place_make(const char *folder, const char *name, struct test_place *ret_place)
{
    char own[13] = "";
    const char *postgres = getenv(TEST_POSTGRES_VARIABLE);
    encode_hex_into(own, str_from(folder + strlen(folder) - 6, 6));
    own[12] = '\0';
    snprintf(ret_place->service, sizeof(ret_place->service), postgres ? "test_%s_%s" : "%.0s%s", own, name);
    ret_place->place =
        (struct sql_place){.url = postgres ? postgres : "sqlite:", .service = ret_place->service, .data_path = folder};
}

/* For sql_open: the same database for the same folder and name. */
static inline void test_database_url(const char *folder, const char *name, char ret_url[SQL_URL_BYTES])
{
    struct test_place place;
    char message[512];
    test_place_make(folder, name, &place);
    ASSERT(sql_locate(&place.place, ret_url, message) == 0);
}

struct test_database {
    struct sql_db *db;
    char folder[TEST_FOLDER_BYTES];
    char message[512];
};

static inline int test_database_open(struct test_database *t, const char *list_name,
                                     const struct sql_migration *migrations, size_t count)
{
    char url[SQL_URL_BYTES];
    test_folder_make(t->folder);
    test_database_url(t->folder, "test", url);
    struct sql_config config = {.url = url};
    TRY(sql_open(&t->db, &config, t->message));
    return sql_migrate(t->db, list_name, migrations, count, t->message);
}

static inline void test_database_close(struct test_database *t)
{
    sql_close(t->db);
    test_folder_remove(t->folder);
}
