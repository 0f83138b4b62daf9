/* The mark of the shop that a database belongs to, for every adapter. */
#include "platform/ports/sql/mark.sql.h"
#include "platform/ports/sql/sql_adapter.h"

int sql_find_mark(struct sql_tx *tx, struct sql_mark *ret_mark)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int has_table = tx->db->adapter->has_table(tx, SQL_MARK_TABLE);
    if (has_table <= 0)
        return has_table;
    int found = sql_query_row(tx, &ports_sql_find_mark, SQL_NO_ARGS, &rows);
    if (found <= 0)
        return found;
    struct str shop = sql_get_text(rows, 0);
    if (shop.len == 0 || shop.len >= SQL_SHOP_BYTES)
        return ERR_CORRUPT;
    *ret_mark = (struct sql_mark){.openings = sql_get_int(rows, 1)};
    memcpy(ret_mark->shop, shop.ptr, shop.len);
    return 1;
}

int sql_put_mark(struct sql_tx *tx, const struct sql_mark *mark)
{
    TRY(sql_exec(tx, &ports_sql_create_mark, SQL_NO_ARGS, NULL));
    return sql_exec(tx, &ports_sql_put_mark, SQL_ARGS(sql_cstr(mark->shop), sql_int(mark->openings)), NULL);
}
