#include "platform/ports/sql/sql_columns.h"

#include "platform/base/err.h"

struct str sql_take_text(struct sql_columns *columns)
{
    struct str text = sql_get_text(columns->rows, columns->next++);
    struct str copy = arena_copy(columns->arena, text);

    if (text.len > 0 && !copy.ptr)
        columns->error = ERR_NO_MEMORY;
    return copy;
}

int64_t sql_take_int(struct sql_columns *columns)
{
    return sql_get_int(columns->rows, columns->next++);
}
