/* CSV files of merchandisers: what is read is written and reads back the same, and no written cell is a formula. */
#include "services/catalog/csv.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_BYTES_MAX ((size_t)4 << 20)

static void check_row(struct arena *arena, const struct csv_row *row)
{
    CLEANUP(buf_free) struct buf text = BUF(TEXT_BYTES_MAX);
    struct csv_reader reader;
    struct csv_row *again = arena_alloc(arena, sizeof(*again));
    const char *reason = NULL;

    for (size_t i = 0; i < row->count; i++)
        csv_append(&text, row->fields[i], i == 0);
    csv_end_row(&text);
    if (!again || buf_error(&text) < 0)
        return;
    ASSERT(!memchr("=+-@\t", text.ptr[text.ptr[0] == '"'], 5));
    ASSERT(csv_reader_init(&reader, arena, buf_str(&text)) == 0);
    int result = csv_next(&reader, again, &reason);
    if (result == ERR_NO_MEMORY)
        return;
    ASSERT(result == 1 && again->count == row->count);
    for (size_t i = 0; i < row->count; i++)
        ASSERT(str_equal(again->fields[i], row->fields[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    struct csv_reader reader;
    struct csv_row *row = arena_alloc(arena, sizeof(*row));
    const char *reason = NULL;
    size_t line = 0;
    int result;

    if (!row || csv_reader_init(&reader, arena, str_from(data, size)) < 0)
        return 0;
    while ((result = csv_next(&reader, row, &reason)) == 1) {
        ASSERT(row->count > 0 && row->count <= CSV_FIELDS_MAX && row->line > line);
        line = row->line;
        check_row(arena, row);
    }
    ASSERT(result != ERR_INVALID || reason);
    return 0;
}
