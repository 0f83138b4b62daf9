#include "platform/ports/sql/sql_tables.h"

/* -- Names -------------------------------------------------------------------------------------------------------- */

/* The first column of a query's rows, in the arena. */
static int read_names(struct sql_tx *tx, const struct sql_statement *statement, struct sql_args args,
                      struct arena *arena, size_t max, const char ***ret_names, size_t *ret_count)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    const char **names = arena_alloc_array(arena, max, sizeof(names[0]));
    size_t count = 0;
    int more;
    if (!names)
        return ERR_NO_MEMORY;
    TRY(sql_query(tx, statement, args, &rows));
    while ((more = sql_next(rows)) == 1) {
        if (count == max)
            return ERR_TOO_LARGE;
        names[count] = arena_cstr(arena, sql_get_text(rows, 0));
        if (!names[count++])
            return ERR_NO_MEMORY;
    }
    *ret_names = names;
    *ret_count = count;
    return more;
}

/* SQL quotes an identifier by '"', and a '"' in it by a second one. */
void sql_tables_name(struct buf *text, const char *name)
{
    buf_append_char(text, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_append_char(text, '"');
        buf_append_char(text, *name);
    }
    buf_append_char(text, '"');
}

static void append_names(struct buf *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(text, ',');
        sql_tables_name(text, names[i]);
    }
}

/* -- Texts -------------------------------------------------------------------------------------------------------- */

int sql_tables_dump_text(struct sql_tx *tx, const struct sql_schema *schema, const struct sql_table *table,
                         struct buf *text)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(SQL_TEXT_BYTES_MAX);
    const char **keys;
    size_t key_count;
    if (!arena)
        return ERR_NO_MEMORY;
    TRY(read_names(tx, schema->list_key_columns, SQL_ARGS(sql_cstr(table->name)), arena, SQL_COLUMNS_MAX, &keys,
                   &key_count));
    buf_append_cstr(text, "SELECT ");
    append_names(text, table->columns, table->column_count);
    buf_append_cstr(text, " FROM ");
    sql_tables_name(text, table->name);
    buf_append_cstr(text, " ORDER BY ");
    if (key_count > 0)
        append_names(text, keys, key_count);
    else
        append_names(text, table->columns, table->column_count);
    return buf_error(text);
}

void sql_tables_count_text(const struct sql_table *table, struct buf *text)
{
    buf_append_cstr(text, "SELECT count(*) FROM ");
    sql_tables_name(text, table->name);
}

void sql_tables_clear_text(const struct sql_table *table, struct buf *text)
{
    buf_append_cstr(text, "DELETE FROM ");
    sql_tables_name(text, table->name);
}

void sql_tables_insert_text(const struct sql_table *table, struct buf *text)
{
    buf_append_cstr(text, "INSERT INTO ");
    sql_tables_name(text, table->name);
    buf_append_cstr(text, " (");
    append_names(text, table->columns, table->column_count);
    buf_append_cstr(text, ") VALUES (");
    for (size_t i = 0; i < table->column_count; i++)
        buf_printf(text, i > 0 ? ",$%zu" : "$%zu", i + 1);
    buf_append_char(text, ')');
}

/* -- The order ---------------------------------------------------------------------------------------------------- */

static bool is_placed(const struct sql_table *tables, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(tables[i].name, name) == 0)
            return true;
    return false;
}

/* Whether everything that the table refers to, but itself, is placed. */
static int is_ready(struct sql_tx *tx, const struct sql_schema *schema, struct arena *arena, const char *name,
                    const struct sql_table *placed, size_t placed_count)
{
    const char **parents;
    size_t parent_count;
    TRY(read_names(tx, schema->list_parents, SQL_ARGS(sql_cstr(name)), arena, SQL_TABLES_MAX, &parents, &parent_count));
    for (size_t i = 0; i < parent_count; i++)
        if (strcmp(parents[i], name) != 0 && !is_placed(placed, placed_count, parents[i]))
            return 0;
    return 1;
}

static int describe(struct sql_tx *tx, const struct sql_schema *schema, struct arena *arena, const char *name,
                    struct sql_table *ret_table)
{
    ret_table->name = name;
    TRY(read_names(tx, schema->list_columns, SQL_ARGS(sql_cstr(name)), arena, SQL_COLUMNS_MAX, &ret_table->columns,
                   &ret_table->column_count));
    return schema->describe(tx, ret_table);
}

/* Repeated passes, each of which places what became ready; tables that refer to each other in a circle end it and are
 * placed as they come, since a load checks foreign keys at its end. */
static int place_all(struct sql_tx *tx, const struct sql_schema *schema, struct arena *arena, const char **names,
                     size_t count, struct sql_table *tables)
{
    size_t placed = 0;
    bool is_stuck = false;
    while (placed < count) {
        size_t before = placed;
        for (size_t i = 0; i < count; i++) {
            if (is_placed(tables, placed, names[i]))
                continue;
            int ready = is_ready(tx, schema, arena, names[i], tables, placed);
            TRY(ready);
            if (ready || is_stuck)
                TRY(describe(tx, schema, arena, names[i], &tables[placed++]));
        }
        is_stuck = placed == before;
    }
    return 0;
}

int sql_tables_list(struct sql_tx *tx, const struct sql_schema *schema, struct arena *arena,
                    struct sql_table **ret_tables, size_t *ret_count)
{
    const char **names;
    size_t count;
    TRY(read_names(tx, schema->list_tables, SQL_NO_ARGS, arena, SQL_TABLES_MAX, &names, &count));
    struct sql_table *tables = arena_alloc_array(arena, count + 1, sizeof(tables[0]));
    if (!tables)
        return ERR_NO_MEMORY;
    TRY(place_all(tx, schema, arena, names, count, tables));
    *ret_tables = tables;
    *ret_count = count;
    return 0;
}
