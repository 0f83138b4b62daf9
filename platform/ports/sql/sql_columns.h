/* Reading a row into a struct: its columns one after the other, texts copied into an arena. The first failure stays in
 * error, so that a row is read without a check a column. */
#pragma once

#include "platform/base/arena.h"
#include "platform/ports/sql/sql.h"

struct sql_columns {
    struct sql_rows *rows;
    struct arena *arena;
    unsigned next; /* the column that is taken next */
    int error;     /* 0, or ERR_NO_MEMORY */
};

/* Text or a blob, in the arena; empty for NULL. */
struct str sql_take_text(struct sql_columns *columns);
int64_t sql_take_int(struct sql_columns *columns);
