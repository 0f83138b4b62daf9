#include "services/catalog/csv.h"

#include "platform/base/err.h"

#define BYTE_ORDER_MARK STR("\xef\xbb\xbf")

static bool starts_formula(char c)
{
    return c == '=' || c == '+' || c == '-' || c == '@' || c == '\t' || c == '\r' || c == '\'';
}

/* -- Reading ------------------------------------------------------------------------------------------------------- */

int csv_reader_init(struct csv_reader *ret_reader, struct arena *arena, struct str text)
{
    if (!str_is_utf8(text))
        return ERR_INVALID;
    if (str_starts_with(text, BYTE_ORDER_MARK))
        text = str_skip(text, 3);
    *ret_reader = (struct csv_reader){.arena = arena, .rest = text, .line = 1};
    return 0;
}

static int fail(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return ERR_INVALID;
}

/* The bytes of the line end that rest starts with: 0 when it starts with none. */
static size_t line_end(struct str rest)
{
    if (str_starts_with(rest, STR("\r\n")))
        return 2;
    return str_starts_with(rest, STR("\n")) ? 1 : 0;
}

/* Takes the field up to its closing quote; doubled quotes inside are halved in a copy. */
static int take_quoted(struct csv_reader *reader, struct str *ret_field, const char **ret_reason)
{
    struct str text = str_skip(reader->rest, 1);
    size_t end = 0, doubled = 0, len = 0;
    char *copy;

    for (; end < text.len; end++) {
        if (text.ptr[end] == '\n')
            reader->line++;
        if (text.ptr[end] != '"')
            continue;
        if (end + 1 >= text.len || text.ptr[end + 1] != '"')
            break;
        doubled++;
        end++;
    }
    if (end >= text.len)
        return fail(ret_reason, "A quoted field is not closed.");
    reader->rest = str_skip(text, end + 1);
    *ret_field = str_slice(text, 0, end);
    if (doubled == 0)
        return 0;
    copy = arena_alloc(reader->arena, end);
    if (!copy)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < end; i++) {
        copy[len++] = text.ptr[i];
        if (text.ptr[i] == '"')
            i++;
    }
    *ret_field = str_from(copy, len);
    return 0;
}

static int take_plain(struct csv_reader *reader, struct str *ret_field, const char **ret_reason)
{
    size_t end = 0;

    while (end < reader->rest.len && reader->rest.ptr[end] != ',' && !line_end(str_skip(reader->rest, end))) {
        if (reader->rest.ptr[end] == '"')
            return fail(ret_reason, "A quote stands inside a field that does not start with one.");
        if (reader->rest.ptr[end] == '\r')
            return fail(ret_reason, "A line ends by a lone CR.");
        end++;
    }
    *ret_field = str_slice(reader->rest, 0, end);
    reader->rest = str_skip(reader->rest, end);
    return 0;
}

static int take_field(struct csv_reader *reader, struct str *ret_field, const char **ret_reason)
{
    struct str field;

    if (str_starts_with(reader->rest, STR("\"")))
        TRY(take_quoted(reader, &field, ret_reason));
    else
        TRY(take_plain(reader, &field, ret_reason));
    if (field.len > CSV_FIELD_BYTES_MAX)
        return fail(ret_reason, "A field is longer than 65,536 bytes.");
    if (field.len > 1 && field.ptr[0] == '\'' && starts_formula(field.ptr[1]))
        field = str_skip(field, 1);
    *ret_field = field.len ? field : STR("");
    return 0;
}

int csv_next(struct csv_reader *reader, struct csv_row *ret_row, const char **ret_reason)
{
    size_t end;

    while ((end = line_end(reader->rest)) > 0) {
        reader->rest = str_skip(reader->rest, end);
        reader->line++;
    }
    ret_row->count = 0;
    ret_row->line = reader->line;
    if (reader->rest.len == 0)
        return 0;
    for (;;) {
        if (ret_row->count == CSV_FIELDS_MAX)
            return fail(ret_reason, "A row has more than 64 fields.");
        TRY(take_field(reader, &ret_row->fields[ret_row->count++], ret_reason));
        end = line_end(reader->rest);
        if (end > 0 || reader->rest.len == 0)
            break;
        if (reader->rest.ptr[0] != ',')
            return fail(ret_reason, "Something stands behind a closing quote.");
        reader->rest = str_skip(reader->rest, 1);
        if (reader->rest.len == 0) /* a comma at the very end: an empty last field */
            reader->rest = STR("");
    }
    reader->rest = str_skip(reader->rest, end);
    reader->line += end > 0;
    return 1;
}

/* -- Writing ------------------------------------------------------------------------------------------------------- */

/* An empty first field too: a row of that alone would be an empty line, which reading skips; and one that starts with a
 * byte-order mark, which would be the file's where the field comes first. */
static bool needs_quotes(struct str field, bool is_first)
{
    if (field.len == 0)
        return is_first;
    for (size_t i = 0; i < field.len; i++)
        if (field.ptr[i] == ',' || field.ptr[i] == '"' || field.ptr[i] == '\r' || field.ptr[i] == '\n')
            return true;
    return field.ptr[0] == ' ' || field.ptr[field.len - 1] == ' ' || str_starts_with(field, BYTE_ORDER_MARK);
}

void csv_append(struct buf *buf, struct str field, bool is_first)
{
    bool is_formula = field.len > 0 && starts_formula(field.ptr[0]);

    if (!is_first)
        buf_append_char(buf, ',');
    if (!needs_quotes(field, is_first)) {
        if (is_formula)
            buf_append_char(buf, '\'');
        buf_append(buf, field);
        return;
    }
    buf_append_char(buf, '"');
    if (is_formula)
        buf_append_char(buf, '\'');
    for (size_t i = 0; i < field.len; i++) {
        if (field.ptr[i] == '"')
            buf_append_char(buf, '"');
        buf_append_char(buf, field.ptr[i]);
    }
    buf_append_char(buf, '"');
}

void csv_end_row(struct buf *buf)
{
    buf_append(buf, STR("\r\n"));
}
