/* Proves that a data folder which lost something does not become a shop again, and that one half made does: with two
 * services that have nothing but their databases, one of which joins later. */
#include "platform/service/folder_manifest.h"
#include "platform/service/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FILE_BYTES 4096

static const struct service hats = {.name = "hats", .routes = (const struct route[]){{0}}};
static const struct service shoes = {.name = "shoes", .routes = (const struct route[]){{0}}};
static const struct service *const only_hats[] = {&hats, NULL}, *const both[] = {&hats, &shoes, NULL};

static const struct sql_migration broken[] = {{.number = 1, .name = "broken", .text = "THIS IS NO SQL"}};
static const size_t broken_count = 1;
static const struct service gloves = {
    .name = "gloves", .routes = (const struct route[]){{0}}, .migrations = broken, .migration_count = &broken_count};
static const struct service *const hats_and_gloves[] = {&hats, &gloves, NULL};

struct folder {
    char path[TEST_FOLDER_BYTES];
    char message[512];
};

static int set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    *state = folder;
    if (!folder)
        return -1;
    test_folder_make(folder->path);
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;

    test_folder_remove(folder->path);
    free(folder);
    return 0;
}

static const char *file_in(const struct folder *folder, const char *name)
{
    static char path[2 * TEST_FOLDER_BYTES];

    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    return path;
}

static void write_file(const struct folder *folder, const char *name, struct str bytes)
{
    FILE *file = fopen(file_in(folder, name), "we");

    assert_non_null(file);
    assert_true(bytes.len == 0 || fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len);
    assert_int_equal(fclose(file), 0);
}

static struct str read_file(const struct folder *folder, const char *name, char bytes[FILE_BYTES])
{
    FILE *file = fopen(file_in(folder, name), "re");

    assert_non_null(file);
    size_t length = fread(bytes, 1, FILE_BYTES, file);
    fclose(file);
    return str_from(bytes, length);
}

static bool has_file(const struct folder *folder, const char *name)
{
    return access(file_in(folder, name), F_OK) == 0;
}

static struct folder_manifest manifest_of(struct folder *folder)
{
    struct folder_manifest manifest;

    assert_int_equal(folder_manifest_read(folder->path, &manifest, folder->message), 1);
    return manifest;
}

/* -- The file ------------------------------------------------------------------------------------------------------ */

static void test_folder_manifest__comes_back_as_it_was_written(void **state)
{
    struct folder *folder = *state;
    struct folder_manifest written, read;

    assert_int_equal(folder_manifest_read(folder->path, &read, folder->message), 0);
    folder_manifest_init(&written);
    written.is_new = true;
    assert_int_equal(folder_manifest_put(&written, "hats", 7), 0);
    assert_int_equal(folder_manifest_put(&written, "shoes", 1), 0);
    assert_int_equal(folder_manifest_put(&written, "hats", 8), 0);
    assert_int_equal(folder_manifest_write(folder->path, &written, folder->message), 0);
    read = manifest_of(folder);
    assert_string_equal(read.shop, written.shop);
    assert_true(read.is_new);
    assert_int_equal(read.count, 2);
    assert_int_equal(folder_manifest_openings(&read, "hats"), 8);
    assert_int_equal(folder_manifest_openings(&read, "shoes"), 1);
    assert_int_equal(folder_manifest_openings(&read, "gloves"), 0);
    assert_false(has_file(folder, FOLDER_MANIFEST_FILE ".part"));
}

static void test_folder_manifest__has_room_for_so_many(void **state)
{
    struct folder *folder = *state;
    struct folder_manifest manifest;
    char name[80];

    folder_manifest_init(&manifest);
    for (int i = 0; i < FOLDER_MANIFEST_DATABASES_MAX; i++) {
        snprintf(name, sizeof(name), "database_with_quite_a_long_name_that_goes_on_until_it_ends_%d", i);
        assert_int_equal(folder_manifest_put(&manifest, name, INT64_C(999999999999999)), 0);
    }
    assert_int_equal(folder_manifest_put(&manifest, "one_more", 1), ERR_TOO_LARGE);
    assert_int_equal(folder_manifest_write(folder->path, &manifest, folder->message), 0);
    assert_int_equal(manifest_of(folder).count, FOLDER_MANIFEST_DATABASES_MAX);
}

static void assert_damaged(struct folder *folder, struct str bytes)
{
    struct folder_manifest manifest;

    write_file(folder, FOLDER_MANIFEST_FILE, bytes);
    assert_int_equal(folder_manifest_read(folder->path, &manifest, folder->message), ERR_CORRUPT);
    assert_non_null(strstr(folder->message, FOLDER_MANIFEST_FILE));
    assert_non_null(strstr(folder->message, "is damaged; take it away and write it anew"));
}

static void test_folder_manifest__is_refused_when_it_is_cut_or_damaged(void **state)
{
    static const char *const damaged[] = {
        "shopstream-folder 2\nshop a\nend\n",
        "shopstream-folder 1\nend\n",
        "shopstream-folder 1\nshop \nend\n",
        "shopstream-folder 1\nshop a\nshop b\nend\n",
        "shopstream-folder 1\nshop a\nnew\nnew\nend\n",
        "shopstream-folder 1\nshop a\ndatabase hats\nend\n",
        "shopstream-folder 1\nshop a\ndatabase hats 0\nend\n",
        "shopstream-folder 1\nshop a\ndatabase hats x\nend\n",
        "shopstream-folder 1\nshop a\ndatabase hats 1 1\nend\n",
        "shopstream-folder 1\nshop a\ndatabase ../hats 1\nend\n",
        "shopstream-folder 1\nshop a\ndatabase hats 1\ndatabase hats 2\nend\n",
        "shopstream-folder 1\nshop a\nmore\nend\n",
        "shopstream-folder 1\nshop a\nend\nmore\n",
    };
    struct folder *folder = *state;
    struct folder_manifest manifest;
    char bytes[FILE_BYTES];

    folder_manifest_init(&manifest);
    assert_int_equal(folder_manifest_put(&manifest, "hats", 12), 0);
    assert_int_equal(folder_manifest_write(folder->path, &manifest, folder->message), 0);
    struct str whole = read_file(folder, FOLDER_MANIFEST_FILE, bytes);
    for (size_t length = 0; length + 1 < whole.len; length++)
        assert_damaged(folder, str_slice(whole, 0, length));
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
        assert_damaged(folder, str_from_cstr(damaged[i]));
}

/* -- Starts -------------------------------------------------------------------------------------------------------- */

static int try_start(struct folder *folder, const struct service *const *services, struct service_host **ret_host)
{
    static struct config *config;
    const struct config_row *tables[] = {port_settings, NULL};
    struct http_client *client = NULL;

    config_free(config);
    config = NULL;
    folder->message[0] = '\0';
    assert_int_equal(config_load(tables, NULL, NULL, folder->message, &config), 0);
    assert_int_equal(http_client_new(&client, 1), 0);
    const struct host_options options = {.services = services,
                                         .config = config,
                                         .data_path = folder->path,
                                         .worker_count = 1,
                                         .http_client = client,
                                         .is_at_rest = true};
    return host_new(ret_host, &options, folder->message);
}

static void start(struct folder *folder, const struct service *const *services)
{
    struct service_host *host = NULL;

    if (try_start(folder, services, &host) < 0)
        fail_msg("%s", folder->message);
    host_free(host, 0);
}

static void assert_refused(struct folder *folder, const struct service *const *services, int error, const char *said)
{
    struct service_host *host = NULL;

    assert_int_equal(try_start(folder, services, &host), error);
    if (!strstr(folder->message, said))
        fail_msg("'%s' is not in: %s", said, folder->message);
}

static void test_folder_manifest__names_what_a_start_made(void **state)
{
    struct folder *folder = *state;

    start(folder, only_hats);
    struct folder_manifest first = manifest_of(folder);
    assert_int_equal(first.count, 1);
    assert_int_equal(folder_manifest_openings(&first, "hats"), 1);
    start(folder, both);
    start(folder, only_hats);
    struct folder_manifest third = manifest_of(folder);
    assert_string_equal(third.shop, first.shop);
    assert_int_equal(third.count, 2);
    assert_int_equal(folder_manifest_openings(&third, "hats"), 3);
    assert_int_equal(folder_manifest_openings(&third, "shoes"), 1);
}

static void test_folder_manifest__a_lost_database_is_not_made_anew(void **state)
{
    struct folder *folder = *state;

    char said[2 * TEST_FOLDER_BYTES];
    start(folder, both);
    unlink(file_in(folder, "shoes.db"));
    snprintf(said, sizeof(said), "the database shoes of the shop in %s is missing", folder->path);
    assert_refused(folder, both, ERR_NOT_FOUND, said);
    assert_refused(folder, only_hats, ERR_NOT_FOUND, "is missing or empty; no row was changed: restore a backup");
    assert_false(has_file(folder, "shoes.db"));
    struct folder_manifest manifest = manifest_of(folder);
    assert_int_equal(folder_manifest_openings(&manifest, "hats"), 1);
    write_file(folder, "shoes.db", STR_EMPTY);
    assert_refused(folder, both, ERR_NOT_FOUND, "is missing or empty");
}

/* A line taken out by hand is how a person says that a database is given up. */
static void test_folder_manifest__what_it_does_not_name_is_made(void **state)
{
    struct folder *folder = *state;

    start(folder, both);
    struct folder_manifest manifest = manifest_of(folder);
    unlink(file_in(folder, "shoes.db"));
    manifest.count = 1;
    assert_int_equal(folder_manifest_write(folder->path, &manifest, folder->message), 0);
    start(folder, both);
    assert_int_equal(manifest_of(folder).count, 2);
}

static int drop_mark(struct sql_tx *tx, void *argument)
{
    static const struct sql_statement drop = {"drop_mark", "DROP TABLE shopstream_mark"};

    (void)argument;
    return sql_exec(tx, &drop, SQL_NO_ARGS, NULL);
}

static void change(struct folder *folder, const char *name, sql_closure *closure, void *argument)
{
    char url[2 * TEST_FOLDER_BYTES];
    struct sql_db *db = NULL;

    snprintf(url, sizeof(url), "sqlite:%s/%s.db", folder->path, name);
    const struct sql_config config = {.url = url};
    assert_int_equal(sql_open(&db, &config, folder->message), 0);
    assert_int_equal(closure ? sql_write(db, closure, argument) : 0, 0);
    sql_close(db);
}

static int put_mark(struct sql_tx *tx, void *argument)
{
    return sql_put_mark(tx, argument);
}

static void test_folder_manifest__another_database_in_its_place_is_refused(void **state)
{
    struct folder *folder = *state;
    struct sql_mark other = {.shop = "another", .openings = 100};

    start(folder, both);
    start(folder, both);
    struct folder_manifest manifest = manifest_of(folder);
    change(folder, "shoes", put_mark, &other);
    assert_refused(folder, both, ERR_CORRUPT, "the database shoes in");
    assert_refused(folder, both, ERR_CORRUPT, "belongs to another shop");
    snprintf(other.shop, sizeof(other.shop), "%s", manifest.shop);
    other.openings = 1;
    change(folder, "shoes", put_mark, &other);
    assert_refused(folder, both, ERR_CORRUPT, "is older than the folder");
    change(folder, "shoes", drop_mark, NULL);
    assert_refused(folder, both, ERR_CORRUPT, "holds nothing of this shop");
}

static void test_folder_manifest__a_lost_or_damaged_list_is_refused(void **state)
{
    struct folder *folder = *state;
    char bytes[FILE_BYTES];

    start(folder, both);
    struct str good = read_file(folder, FOLDER_MANIFEST_FILE, bytes);
    write_file(folder, FOLDER_MANIFEST_FILE, STR_EMPTY);
    assert_refused(folder, both, ERR_CORRUPT, "is damaged; take it away and write it anew");
    unlink(file_in(folder, FOLDER_MANIFEST_FILE));
    assert_refused(folder, both, ERR_CORRUPT, "the list of the shop's databases, is missing");
    unlink(file_in(folder, "shoes.db"));
    assert_refused(folder, both, ERR_CORRUPT, "is missing, and by the database hats this is the shop");
    assert_false(has_file(folder, FOLDER_MANIFEST_FILE));
    assert_false(has_file(folder, "shoes.db"));
    write_file(folder, FOLDER_MANIFEST_FILE, good);
    assert_refused(folder, both, ERR_NOT_FOUND, "the database shoes");
}

static void test_folder_manifest__a_folder_of_before_is_taken_over_once(void **state)
{
    struct folder *folder = *state;
    struct service_host *host = NULL;

    start(folder, both);
    unlink(file_in(folder, FOLDER_MANIFEST_FILE));
    change(folder, "hats", drop_mark, NULL);
    change(folder, "shoes", drop_mark, NULL);
    assert_int_equal(try_start(folder, both, &host), 0);
    assert_false(host_is_new(host));
    host_free(host, 0);
    assert_int_equal(manifest_of(folder).count, 2);
    unlink(file_in(folder, "hats.db"));
    assert_refused(folder, both, ERR_NOT_FOUND, "the database hats");
}

static void test_folder_manifest__a_folder_half_made_goes_on(void **state)
{
    struct folder *folder = *state;
    struct folder_manifest manifest;

    folder_manifest_init(&manifest);
    manifest.is_new = true;
    assert_int_equal(folder_manifest_write(folder->path, &manifest, folder->message), 0);
    write_file(folder, "hats.db", STR_EMPTY);
    write_file(folder, FOLDER_MANIFEST_FILE ".part", STR("shopstream-fol"));
    change(folder, "shoes", NULL, NULL);
    start(folder, both);
    assert_string_equal(manifest_of(folder).shop, manifest.shop);
    assert_int_equal(manifest_of(folder).count, 2);
}

/* A start that ends between the making of a database and its naming: nothing is named that may be half made. */
static void test_folder_manifest__names_nothing_before_it_is_made(void **state)
{
    struct folder *folder = *state;

    assert_refused(folder, hats_and_gloves, ERR_INTERNAL, "THIS");
    struct folder_manifest manifest = manifest_of(folder);
    assert_true(has_file(folder, "hats.db") && has_file(folder, "gloves.db"));
    assert_int_equal(manifest.count, 0);
    assert_true(manifest.is_new);
    start(folder, both);
    assert_string_equal(manifest_of(folder).shop, manifest.shop);
}

static void test_folder_manifest__a_shop_is_new_until_it_was_open(void **state)
{
    struct folder *folder = *state;
    struct service_host *host = NULL;

    start(folder, both);
    assert_int_equal(try_start(folder, both, &host), 0);
    assert_true(host_is_new(host));
    assert_int_equal(host_listen(host, "127.0.0.1", 0, true, folder->message), 0);
    assert_false(host_is_new(host));
    host_free(host, 0);
    assert_int_equal(try_start(folder, both, &host), 0);
    assert_false(host_is_new(host));
    host_free(host, 0);
}

/* A folder in the way of the new list is as good as a full disk. */
static void test_folder_manifest__a_start_that_adds_nothing_does_without_writing_it(void **state)
{
    struct folder *folder = *state;

    start(folder, only_hats);
    assert_int_equal(mkdir(file_in(folder, FOLDER_MANIFEST_FILE ".part"), 0700), 0);
    start(folder, only_hats);
    struct folder_manifest manifest = manifest_of(folder);
    assert_int_equal(folder_manifest_openings(&manifest, "hats"), 1);
    assert_refused(folder, both, ERR_UNAVAILABLE, FOLDER_MANIFEST_FILE " cannot be written");
    assert_int_equal(rmdir(file_in(folder, FOLDER_MANIFEST_FILE ".part")), 0);
    start(folder, both);
    manifest = manifest_of(folder);
    assert_int_equal(folder_manifest_openings(&manifest, "hats"), 4);
}

static void test_folder_manifest__a_restore_that_was_killed_is_no_shop(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(mkdir(file_in(folder, HOST_INCOMING_FOLDER), 0700), 0);
    assert_refused(folder, both, ERR_CONFLICT, "did not come to its end");
    assert_false(has_file(folder, "hats.db"));
    assert_false(has_file(folder, FOLDER_MANIFEST_FILE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_folder_manifest__comes_back_as_it_was_written),
        TEST(test_folder_manifest__has_room_for_so_many),
        TEST(test_folder_manifest__is_refused_when_it_is_cut_or_damaged),
        TEST(test_folder_manifest__names_what_a_start_made),
        TEST(test_folder_manifest__a_lost_database_is_not_made_anew),
        TEST(test_folder_manifest__what_it_does_not_name_is_made),
        TEST(test_folder_manifest__another_database_in_its_place_is_refused),
        TEST(test_folder_manifest__a_lost_or_damaged_list_is_refused),
        TEST(test_folder_manifest__a_folder_of_before_is_taken_over_once),
        TEST(test_folder_manifest__a_folder_half_made_goes_on),
        TEST(test_folder_manifest__names_nothing_before_it_is_made),
        TEST(test_folder_manifest__a_shop_is_new_until_it_was_open),
        TEST(test_folder_manifest__a_start_that_adds_nothing_does_without_writing_it),
        TEST(test_folder_manifest__a_restore_that_was_killed_is_no_shop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
