/* What the adapters share to move rows of any table: which tables there are, and SQL made of their names. Names come
 * from the database's own schema and stand in the text quoted as identifiers, which is the same on every engine. */
#pragma once

#include "platform/base/buf.h"
#include "platform/ports/sql/sql_adapter.h"

#define SQL_TEXT_BYTES_MAX ((size_t)64 << 10)

/* How an engine is asked for its schema: statements that give names, and what else it knows of a table. */
struct sql_schema {
    const struct sql_statement *list_tables;                     /* by name */
    const struct sql_statement *list_columns;                    /* of table $1, in their order */
    const struct sql_statement *list_key_columns;                /* of table $1's primary key, in its order */
    const struct sql_statement *list_parents;                    /* the tables that $1 refers to */
    int (*describe)(struct sql_tx *tx, struct sql_table *table); /* fills row_count and sequence */
};

/* sql_list_tables by that schema. */
int sql_tables_list(struct sql_tx *tx, const struct sql_schema *schema, struct arena *arena,
                    struct sql_table **ret_tables, size_t *ret_count);

/* Appends: a name as an identifier; "SELECT columns FROM table ORDER BY key"; "SELECT count(*) FROM table"; "DELETE
 * FROM table"; "INSERT INTO table (columns) VALUES ($1,…)". */
void sql_tables_name(struct buf *text, const char *name);
int sql_tables_dump_text(struct sql_tx *tx, const struct sql_schema *schema, const struct sql_table *table,
                         struct buf *text);
void sql_tables_count_text(const struct sql_table *table, struct buf *text);
void sql_tables_clear_text(const struct sql_table *table, struct buf *text);
void sql_tables_insert_text(const struct sql_table *table, struct buf *text);
