/* What the command line says, and how it looks: results on stdout, trouble on stderr, colour on a terminal alone. */
#pragma once

#include "platform/base/arena.h"

#include <stdio.h>

/* One line on stderr: the thing, the cause, the remedy. Returns EXIT_FAILED, or EXIT_USAGE. */
int say_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
int say_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_GOOD, COLOUR_BAD };

/* What switches the colour on, and off again: empty where the stream is no terminal, or NO_COLOR is set. */
const char *colour_start(FILE *stream, enum colour colour);
const char *colour_end(FILE *stream);

/* -- Tables ---------------------------------------------------------------------------------------------------------
 */

#define TABLE_ROWS_MAX 4096
#define TABLE_COLUMNS_MAX 8

/* Aligned columns under headings. On a terminal the last column is cut at its edge; elsewhere nothing is. Control
 * characters are shown as spaces, so that no value can paint on the screen. */
struct table {
    const char *headings[TABLE_COLUMNS_MAX + 1]; /* ends with NULL */
    const char *(*rows)[TABLE_COLUMNS_MAX];
    size_t row_count;
    size_t capacity;
};

/* Cells are kept by address; NULL is an empty one. ERR_NO_MEMORY, ERR_TOO_LARGE past TABLE_ROWS_MAX. */
int table_add(struct table *table, struct arena *arena, const char *const *cells);
void table_print(const struct table *table);
