/* shopstream load: a shop from the lines of a dump. Each service's rows go into its migrated database in one
 * transaction; the head's counts, the closing line's and those of the tables must agree, or nothing is left. */
#include "cli/folder.h"
#include "cli/settings.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/base/encode.h"
#include "platform/service/folder_manifest.h"
#include "platform/service/host.h"
#include "services/services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define LOAD_ARENA_BYTES ((size_t)512 << 20)
#define LINE_BYTES_MAX ((size_t)256 << 20)
#define VALUE_BYTES_MAX LINE_BYTES_MAX

struct loading {
    const char *path;
    struct arena *arena;
    struct incoming incoming;
    struct folder_manifest manifest;
    FILE *stream;
    char *line;
    size_t line_capacity;
    int64_t line_number;
    struct yyjson_doc *document; /* of the current line */
    yyjson_val *head;            /* what the first line says; lives in head_document */
    struct yyjson_doc *head_document;
    int64_t rows, tables;

    /* The service under way. */
    yyjson_val *described;
    const char *service;
    struct buf values[SQL_COLUMNS_MAX]; /* decoded bytes of the row under way */
    char problem[512];
};

static int refuse(struct loading *loading, const char *what, const char *name)
{
    snprintf(loading->problem, sizeof(loading->problem), "%.250s:%lld: %s%.100s", loading->path,
             (long long)loading->line_number, what, name ? name : "");
    return ERR_INVALID;
}

/* -- Lines ------------------------------------------------------------------------------------------------------- */

static int next_line(struct loading *loading)
{
    ssize_t length = getline(&loading->line, &loading->line_capacity, loading->stream);

    yyjson_doc_free(loading->document);
    loading->document = NULL;
    loading->line_number++;
    if (length <= 0 || (size_t)length > LINE_BYTES_MAX)
        return refuse(loading, length <= 0 ? "the file ends before its closing line" : "the line is too long", NULL);
    loading->document = yyjson_read(loading->line, (size_t)length, 0);
    return loading->document ? 0 : refuse(loading, "this is not a line of a dump", NULL);
}

static yyjson_val *member(struct loading *loading, const char *name)
{
    return yyjson_obj_get(yyjson_doc_get_root(loading->document), name);
}

/* -- Rows -------------------------------------------------------------------------------------------------------- */

static int decode(struct loading *loading, yyjson_val *text, struct buf *buf, struct str *ret_bytes)
{
    buf_clear(buf);
    if (decode_base64(str_from(yyjson_get_str(text), yyjson_get_len(text)), buf) < 0)
        return refuse(loading, "a value is not base64", NULL);
    *ret_bytes = buf_str(buf);
    return 0;
}

static int read_value(struct loading *loading, yyjson_val *value, struct buf *buf, struct sql_value *ret_value)
{
    struct str bytes;

    if (yyjson_is_null(value))
        *ret_value = sql_null();
    else if (yyjson_is_int(value))
        *ret_value = sql_int(yyjson_get_sint(value));
    else if (yyjson_is_str(value))
        *ret_value = sql_text(str_from(yyjson_get_str(value), yyjson_get_len(value)));
    else if (yyjson_obj_get(value, "bytes")) {
        TRY(decode(loading, yyjson_obj_get(value, "bytes"), buf, &bytes));
        *ret_value = sql_blob(bytes);
    } else if (yyjson_obj_get(value, "text")) {
        TRY(decode(loading, yyjson_obj_get(value, "text"), buf, &bytes));
        *ret_value = sql_text(bytes);
    } else
        return refuse(loading, "a value is none of a dump", NULL);
    return 0;
}

static int read_row(struct loading *loading, const struct sql_table *table, yyjson_val *row, struct sql_value *values)
{
    if (!yyjson_is_obj(row) || yyjson_obj_size(row) != table->column_count)
        return refuse(loading, "the row has not the columns of the table ", table->name);
    for (size_t i = 0; i < table->column_count; i++) {
        yyjson_val *value = yyjson_obj_get(row, table->columns[i]);

        if (!value)
            return refuse(loading, "the row lacks the column ", table->columns[i]);
        TRY(read_value(loading, value, &loading->values[i], &values[i]));
    }
    return 0;
}

/* The table's rows are as many lines as the head says; so the line behind them is never read too early. */
struct row_source {
    struct loading *loading;
    int64_t left;
};

static int next_row(const struct sql_table *table, struct sql_value *ret_values, void *argument)
{
    struct row_source *source = argument;
    struct loading *loading = source->loading;

    if (source->left == 0)
        return 0;
    source->left--;
    TRY(next_line(loading));
    if (!yyjson_equals_str(member(loading, "service"), loading->service) ||
        !yyjson_equals_str(member(loading, "table"), table->name))
        return refuse(loading, "the head promises another row of the table ", table->name);
    TRY(read_row(loading, table, member(loading, "row"), ret_values));
    return 1;
}

/* -- A service --------------------------------------------------------------------------------------------------- */

static const struct sql_table *find_table(const struct sql_table *tables, size_t count, yyjson_val *name)
{
    for (size_t i = 0; i < count; i++) {
        if (yyjson_equals_str(name, tables[i].name))
            return &tables[i];
    }
    return NULL;
}

static int load_table(struct loading *loading, struct sql_tx *tx, const struct sql_table *tables, size_t count,
                      yyjson_val *described)
{
    const struct sql_table *known = find_table(tables, count, yyjson_obj_get(described, "name"));
    yyjson_val *sequence = yyjson_obj_get(described, "sequence");
    struct row_source source = {loading, yyjson_get_sint(yyjson_obj_get(described, "rows"))};
    int64_t written = 0;

    if (!known)
        return refuse(loading, "this program has no table ", yyjson_get_str(yyjson_obj_get(described, "name")));
    struct sql_table table = *known;
    table.sequence = sequence ? yyjson_get_sint(sequence) : SQL_NO_SEQUENCE;
    int error = sql_load_table(tx, &table, next_row, &source, &written);
    if (error == ERR_CONFLICT)
        return refuse(loading, "the row breaks a rule of the table ", table.name);
    TRY(error);
    loading->rows += written;
    loading->tables++;
    return 0;
}

static int check_counts(struct loading *loading, struct sql_tx *tx)
{
    struct sql_table *tables;
    size_t count, index, max;
    yyjson_val *described;

    TRY(sql_list_tables(tx, loading->arena, &tables, &count));
    yyjson_arr_foreach(yyjson_obj_get(loading->described, "tables"), index, max, described)
    {
        const struct sql_table *table = find_table(tables, count, yyjson_obj_get(described, "name"));

        if (!table || table->row_count != yyjson_get_sint(yyjson_obj_get(described, "rows")))
            return refuse(loading, "not all rows arrived in the table ", table ? table->name : NULL);
    }
    return 0;
}

static int load_service(struct sql_tx *tx, void *argument)
{
    struct loading *loading = argument;
    struct sql_table *tables;
    size_t count, index, max;
    int64_t migrations;
    yyjson_val *described;

    TRY(sql_count_migrations(tx, &migrations));
    if (migrations != yyjson_get_sint(yyjson_obj_get(loading->described, "migrations")))
        return refuse(
            loading, "another version of this program wrote the dump; load it there, then migrate: ", loading->service);
    TRY(sql_list_tables(tx, loading->arena, &tables, &count));
    yyjson_arr_foreach(yyjson_obj_get(loading->described, "tables"), index, max, described)
    {
        TRY(load_table(loading, tx, tables, count, described));
    }
    return check_counts(loading, tx);
}

/* The stream cannot be run again: a database of this port's embedded make never asks for that. */
static int load_database(struct loading *loading, const struct service *service)
{
    char message[512];
    struct sql_db *db = NULL;

    if (folder_open_database(loading->incoming.path, service->name, &db) != EXIT_DONE)
        return EXIT_FAILED;
    int status = host_migrate(service, db, message) < 0 ? say_failed("%s", message) : EXIT_DONE;
    loading->problem[0] = '\0';
    int error = status == EXIT_DONE ? sql_write(db, load_service, loading) : 0;
    if (error < 0)
        status = loading->problem[0]
                     ? say_failed("%s", loading->problem)
                     : say_failed("the rows of %s cannot be written: %s", service->name, error_name(error));
    if (status == EXIT_DONE && (error = folder_manifest_join(&loading->manifest, service->name, db)) < 0)
        status = say_failed("the database of %s cannot be marked: %s", service->name, error_name(error));
    sql_close(db);
    return status;
}

/* -- The file ---------------------------------------------------------------------------------------------------- */

static int read_head(struct loading *loading)
{
    if (next_line(loading) < 0 || yyjson_get_sint(member(loading, "shopstream_dump")) != 1)
        return say_failed("%s is not a dump of this program's; `shopstream dump` writes one", loading->path);
    loading->head_document = loading->document;
    loading->head = yyjson_doc_get_root(loading->document);
    loading->document = NULL;
    return EXIT_DONE;
}

static int load_all(struct loading *loading)
{
    size_t index, max;
    int status = EXIT_DONE;

    yyjson_arr_foreach(yyjson_obj_get(loading->head, "services"), index, max, loading->described)
    {
        const char *name = yyjson_get_str(yyjson_obj_get(loading->described, "name"));
        const struct service *service = service_find(str_from_cstr(name));

        if (!service)
            return say_failed("%s: this program has no service %s", loading->path, name ? name : "without a name");
        loading->service = service->name;
        status = load_database(loading, service);
        if (status != EXIT_DONE)
            return status;
    }
    if (next_line(loading) < 0 || !yyjson_get_bool(member(loading, "end")) ||
        yyjson_get_sint(member(loading, "rows")) != loading->rows ||
        yyjson_get_sint(member(loading, "tables")) != loading->tables)
        return say_failed("%s:%lld: the closing line is missing or does not fit; the dump is not whole", loading->path,
                          (long long)loading->line_number);
    return status;
}

static int load_into(struct loading *loading, const char *data_path)
{
    char message[FOLDER_MANIFEST_MESSAGE_BYTES];
    int status = read_head(loading);

    if (status == EXIT_DONE)
        status = incoming_begin(&loading->incoming, loading->arena, data_path);
    folder_manifest_init(&loading->manifest);
    if (status == EXIT_DONE)
        status = load_all(loading);
    if (status == EXIT_DONE && folder_manifest_write(loading->incoming.path, &loading->manifest, message) < 0)
        status = say_failed("%s", message);
    if (status == EXIT_DONE)
        status = incoming_finish(&loading->incoming);
    if (status == EXIT_DONE)
        printf("Loaded %lld rows of %lld tables into %s; `shopstream serve --data %s` opens the shop.\n",
               (long long)loading->rows, (long long)loading->tables, data_path, data_path);
    return status;
}

static void loading_end(struct loading *loading)
{
    incoming_end(&loading->incoming);
    yyjson_doc_free(loading->document);
    yyjson_doc_free(loading->head_document);
    for (size_t i = 0; i < SQL_COLUMNS_MAX; i++)
        buf_free(&loading->values[i]);
    if (loading->stream)
        fclose(loading->stream);
    free(loading->line);
    arena_free(loading->arena);
}

int command_load(const struct command_options *options)
{
    CLEANUP(config_cleanup) struct config *config = NULL;
    CLEANUP(loading_end) struct loading loading = {.path = options->arguments[0]};

    for (size_t i = 0; i < SQL_COLUMNS_MAX; i++)
        loading.values[i] = BUF(VALUE_BYTES_MAX);
    if (settings_load(options->config_path, &config) < 0)
        return EXIT_FAILED;
    loading.arena = arena_new(LOAD_ARENA_BYTES);
    if (!loading.arena)
        return say_failed("out of memory");
    loading.stream = fopen(loading.path, "re");
    if (!loading.stream)
        return say_failed("%s cannot be read: %s", loading.path, strerror(errno));
    return load_into(&loading,
                     options->data_path ? options->data_path : config_get_cstr(config, &settings[SETTING_DATA]));
}
