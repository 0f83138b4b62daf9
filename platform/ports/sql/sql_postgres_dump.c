/* Rows of any table of Postgres, out through a cursor and in by inserts. */
#include "platform/ports/sql/postgres.sql.h"
#include "platform/ports/sql/sql_postgres.h"
#include "platform/ports/sql/sql_tables.h"

/* Rows that one answer brings: the memory that a dump takes. */
#define ROWS_AT_ONCE "500"

/* -- The schema --------------------------------------------------------------------------------------------------- */

static int count_rows(struct sql_tx *tx, struct sql_table *table)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    sql_tables_count_text(table, &text);
    TRY(postgres_query_text(tx, &text, SQL_NO_ARGS, &rows));
    TRY(sql_next(rows));
    table->row_count = sql_get_int(rows, 0);
    return 0;
}

static int describe(struct sql_tx *tx, struct sql_table *table)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(count_rows(tx, table));
    int found = sql_query_row(tx, &ports_sql_postgres_get_sequence, SQL_ARGS(sql_cstr(table->name)), &rows);
    table->sequence = found == 1 ? sql_get_int(rows, 0) : SQL_NO_SEQUENCE;
    return found < 0 ? found : 0;
}

static const struct sql_schema schema = {
    .list_tables = &ports_sql_postgres_list_tables,
    .list_columns = &ports_sql_postgres_list_columns,
    .list_key_columns = &ports_sql_postgres_list_key_columns,
    .list_parents = &ports_sql_postgres_list_parents,
    .describe = describe,
};

int postgres_list_tables(struct sql_tx *tx, struct arena *arena, struct sql_table **ret_tables, size_t *ret_count)
{
    return sql_tables_list(tx, &schema, arena, ret_tables, ret_count);
}

/* -- Out ---------------------------------------------------------------------------------------------------------- */

static int declare_cursor(struct sql_tx *tx, const struct sql_table *table)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    buf_append_cstr(&text, "DECLARE dump BINARY NO SCROLL CURSOR FOR ");
    TRY(sql_tables_dump_text(tx, &schema, table, &text));
    return postgres_query_text(tx, &text, SQL_NO_ARGS, &rows);
}

/* Visits what one fetch brings; 0 at the end. */
static int visit_some(struct sql_tx *tx, const struct sql_table *table, sql_row_visitor *visitor, void *argument)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    struct sql_value values[SQL_COLUMNS_MAX];
    int count = 0;
    buf_append_cstr(&text, "FETCH " ROWS_AT_ONCE " FROM dump");
    TRY(postgres_query_text(tx, &text, SQL_NO_ARGS, &rows));
    for (; sql_next(rows) == 1; count++) {
        for (unsigned i = 0; i < table->column_count; i++)
            values[i] = postgres_column(rows, i);
        TRY(visitor(table, values, argument));
    }
    return count;
}

int postgres_dump_table(struct sql_tx *tx, const struct sql_table *table, sql_row_visitor *visitor, void *argument)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int count;
    TRY(declare_cursor(tx, table));
    while ((count = visit_some(tx, table, visitor, argument)) > 0)
        continue;
    TRY(count);
    buf_append_cstr(&text, "CLOSE dump");
    return postgres_query_text(tx, &text, SQL_NO_ARGS, &rows);
}

/* -- In ----------------------------------------------------------------------------------------------------------- */

static int clear(struct sql_tx *tx, const struct sql_table *table)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    sql_tables_clear_text(table, &text);
    return postgres_query_text(tx, &text, SQL_NO_ARGS, &rows);
}

int postgres_load_table(struct sql_tx *tx, const struct sql_table *table, sql_row_source *source, void *argument,
                        int64_t *ret_count)
{
    CLEANUP(buf_free) struct buf text = BUF(SQL_TEXT_BYTES_MAX);
    struct sql_value values[SQL_COLUMNS_MAX];
    int64_t count = 0;
    int more;
    TRY(clear(tx, table));
    sql_tables_insert_text(table, &text);
    while ((more = source(table, values, argument)) == 1) {
        CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
        TRY(postgres_query_text(tx, &text, (struct sql_args){values, table->column_count}, &rows));
        count++;
    }
    TRY(more);
    *ret_count = count;
    return sql_exec(tx, &ports_sql_postgres_put_sequence,
                    SQL_ARGS(sql_cstr(table->name), sql_int(table->sequence > 0 ? table->sequence : 1),
                             sql_int(table->sequence > 0)),
                    NULL);
}
