/* Dump: every row of every service as a line of JSON, all as they were at one moment. docs: the file's first line says
 * what follows, its last one what was written; `shopstream load` compares both with what it read. */
#include "platform/base/descriptor.h"
#include "platform/base/encode.h"
#include "platform/base/time_format.h"
#include "platform/ports/clock/clock.h"
#include "platform/wire/wire.h"
#include "services/admin/admin.h"
#include "services/admin/snapshots.h"

#include <errno.h>
#include <unistd.h>

#define BUFFER_BYTES_MAX ((size_t)256 << 20) /* of the longest row, and what waits to be written */
#define FLUSH_BYTES ((size_t)256 << 10)

struct dumping {
    int file; /* the caller's */
    struct buf text;
    const char *service; /* whose rows are written */
    int64_t rows, tables, bytes;
    struct sql_table *tables_of[HOST_SERVICES_MAX];
    size_t table_counts[HOST_SERVICES_MAX];
};

static int flush(struct dumping *dumping)
{
    TRY(buf_error(&dumping->text));
    if (!descriptor_write(dumping->file, buf_str(&dumping->text)))
        return errno == ENOSPC || errno == EDQUOT ? ERR_STORAGE_FULL : ERR_UNAVAILABLE;
    dumping->bytes += (int64_t)dumping->text.len;
    buf_clear(&dumping->text);
    return 0;
}

/* -- Values ------------------------------------------------------------------------------------------------------ */

/* Bytes that JSON cannot carry go as base64, in an object that says what they are. */
static void append_value(struct buf *text, const struct sql_value *value)
{
    bool is_text = value->type == SQL_TYPE_TEXT;

    if (value->type == SQL_TYPE_NULL)
        buf_append_cstr(text, "null");
    else if (value->type == SQL_TYPE_INTEGER)
        buf_append_int(text, value->integer);
    else if (is_text && str_is_utf8(value->bytes))
        wire_json_string(text, value->bytes);
    else {
        buf_append_cstr(text, is_text ? "{\"text\":\"" : "{\"bytes\":\"");
        encode_base64(text, value->bytes);
        buf_append_cstr(text, "\"}");
    }
}

static int write_row(const struct sql_table *table, const struct sql_value *values, void *argument)
{
    struct dumping *dumping = argument;
    struct buf *text = &dumping->text;

    buf_append_cstr(text, "{\"service\":");
    wire_json_string(text, str_from_cstr(dumping->service));
    buf_append_cstr(text, ",\"table\":");
    wire_json_string(text, str_from_cstr(table->name));
    buf_append_cstr(text, ",\"row\":{");
    for (size_t i = 0; i < table->column_count; i++) {
        if (i > 0)
            buf_append_char(text, ',');
        wire_json_string(text, str_from_cstr(table->columns[i]));
        buf_append_char(text, ':');
        append_value(text, &values[i]);
    }
    buf_append_cstr(text, "}}\n");
    dumping->rows++;
    return text->len >= FLUSH_BYTES ? flush(dumping) : buf_error(text);
}

/* -- The first line and the last --------------------------------------------------------------------------------- */

static int append_service(struct buf *text, const struct snapshot *snapshot, const struct sql_table *tables,
                          size_t count)
{
    int64_t migrations;

    TRY(sql_count_migrations(snapshot->tx, &migrations));
    buf_append_cstr(text, "{\"name\":");
    wire_json_string(text, str_from_cstr(snapshot->instance->service->name));
    buf_printf(text, ",\"migrations\":%lld,\"tables\":[", (long long)migrations);
    for (size_t i = 0; i < count; i++) {
        buf_append_cstr(text, i > 0 ? ",{\"name\":" : "{\"name\":");
        wire_json_string(text, str_from_cstr(tables[i].name));
        buf_printf(text, ",\"rows\":%lld", (long long)tables[i].row_count);
        if (tables[i].sequence != SQL_NO_SEQUENCE)
            buf_printf(text, ",\"sequence\":%lld", (long long)tables[i].sequence);
        buf_append_char(text, '}');
    }
    buf_append_cstr(text, "]}");
    return 0;
}

static int write_head(struct dumping *dumping, const struct snapshot *snapshots, size_t count)
{
    char made_at[TIME_RFC3339_BYTES];

    time_format_rfc3339(clock_wall_ms(), made_at);
    buf_printf(&dumping->text, "{\"shopstream_dump\":1,\"made_at\":\"%s\",\"services\":[", made_at);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(&dumping->text, ',');
        TRY(append_service(&dumping->text, &snapshots[i], dumping->tables_of[i], dumping->table_counts[i]));
    }
    buf_append_cstr(&dumping->text, "]}\n");
    return flush(dumping);
}

static int write_dump(struct call *call, const struct snapshot *snapshots, size_t count, void *argument)
{
    struct dumping *dumping = argument;

    for (size_t i = 0; i < count; i++)
        TRY(sql_list_tables(snapshots[i].tx, call->arena, &dumping->tables_of[i], &dumping->table_counts[i]));
    TRY(write_head(dumping, snapshots, count));
    for (size_t i = 0; i < count; i++) {
        dumping->service = snapshots[i].instance->service->name;
        for (size_t j = 0; j < dumping->table_counts[i]; j++) {
            TRY(sql_dump_table(snapshots[i].tx, &dumping->tables_of[i][j], write_row, dumping));
            dumping->tables++;
        }
    }
    buf_printf(&dumping->text, "{\"end\":true,\"tables\":%lld,\"rows\":%lld}\n", (long long)dumping->tables,
               (long long)dumping->rows);
    return flush(dumping);
}

int dump(struct call *call, const Common__Empty *in, Admin__DumpReply *out)
{
    struct dumping *dumping = arena_alloc(call->arena, sizeof(*dumping));

    (void)in;
    if (!dumping)
        return ERR_NO_MEMORY;
    if (call->file_count != 1)
        return call_fail(call, ERR_INVALID, "files", NULL, "An open file must come with the call.");
    *dumping = (struct dumping){.file = call->files[0], .text = BUF(BUFFER_BYTES_MAX)};
    int result = with_snapshots(call, write_dump, dumping);
    if (result >= 0 && fsync(dumping->file) != 0)
        result = ERR_UNAVAILABLE;
    buf_free(&dumping->text);
    if (result < 0)
        return call_fail(call, result, "dump_failed", NULL, "The dump could not be written: %s.", error_name(result));
    out->has_rows = out->has_tables = out->has_bytes = true;
    out->rows = dumping->rows;
    out->tables = dumping->tables;
    out->bytes = dumping->bytes;
    return 0;
}
