/* CSV by RFC 4180, strict and bounded. Pure functions.
 *
 * Reading: comma, double quotes, CRLF or LF; a leading byte-order mark and empty lines are skipped. A quote inside an
 * unquoted field, text behind a closing quote, a missing closing quote, a lone CR, a NUL, and what is not UTF-8 are
 * errors.
 *
 * Formulas: a spreadsheet runs a cell that starts with '=', '+', '-', '@', a tab or a CR. Such fields are written with
 * an apostrophe before them, and so are those that start with an apostrophe; reading takes one apostrophe off where one
 * of these follows it. So what is written reads back exactly, and nothing that is written runs. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/str.h"

#define CSV_FIELDS_MAX 64
#define CSV_FIELD_BYTES_MAX 65536

struct csv_reader {
    struct arena *arena; /* for fields with quotes inside */
    struct str rest;
    size_t line; /* of rest, from 1 */
};

struct csv_row {
    struct str fields[CSV_FIELDS_MAX]; /* views into the text or the arena; never a NULL ptr */
    size_t count;
    size_t line; /* where it starts */
};

/* ERR_INVALID when the text is not UTF-8. */
int csv_reader_init(struct csv_reader *ret_reader, struct arena *arena, struct str text);

/* 1 for a row, 0 at the end; ERR_INVALID with *ret_reason, a static sentence about the line ret_row->line, behind which
 * reading cannot go on. */
int csv_next(struct csv_reader *reader, struct csv_row *ret_row, const char **ret_reason);

/* Appends a field, with a comma before all but the first; csv_end_row ends the row by CRLF. */
void csv_append(struct buf *buf, struct str field, bool is_first);
void csv_end_row(struct buf *buf);
