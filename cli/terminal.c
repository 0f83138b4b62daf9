#include "cli/terminal.h"

#include "cli/commands.h"
#include "platform/base/err.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP 2
#define FIRST_ROWS 32
#define LAST_COLUMN_MIN 20

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list arguments)
{
    fprintf(stderr, "%sshopstream:%s ", colour_start(stderr, COLOUR_BAD), colour_end(stderr));
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int say_failed(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return EXIT_FAILED;
}

int say_usage(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return EXIT_USAGE;
}

/* -- Colour -----------------------------------------------------------------------------------------------------------
 */

/* https://no-color.org: set and not empty means none. */
static bool has_colour(FILE *stream)
{
    const char *refused = getenv("NO_COLOR");

    return isatty(fileno(stream)) && !(refused && refused[0]);
}

const char *colour_start(FILE *stream, enum colour colour)
{
    static const char *const codes[] = {
        [COLOUR_NONE] = "", [COLOUR_BOLD] = "\033[1m", [COLOUR_GOOD] = "\033[32m", [COLOUR_BAD] = "\033[31m"};

    return has_colour(stream) ? codes[colour] : "";
}

const char *colour_end(FILE *stream)
{
    return has_colour(stream) ? "\033[0m" : "";
}

/* -- Tables -----------------------------------------------------------------------------------------------------------
 */

int table_add(struct table *table, struct arena *arena, const char *const *cells)
{
    if (table->row_count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : FIRST_ROWS;

        if (capacity > TABLE_ROWS_MAX)
            return ERR_TOO_LARGE;
        const char *(*rows)[TABLE_COLUMNS_MAX] = arena_alloc_array(arena, capacity, sizeof(rows[0]));
        if (!rows)
            return ERR_NO_MEMORY;
        if (table->row_count)
            memcpy(rows, table->rows, table->row_count * sizeof(rows[0]));
        table->rows = rows;
        table->capacity = capacity;
    }
    for (size_t i = 0; table->headings[i]; i++)
        table->rows[table->row_count][i] = cells[i] ? cells[i] : "";
    table->row_count++;
    return 0;
}

static size_t column_width(const struct table *table, size_t column)
{
    size_t width = str_count_characters(str_from_cstr(table->headings[column]));

    for (size_t i = 0; i < table->row_count; i++) {
        size_t cell = str_count_characters(str_from_cstr(table->rows[i][column]));

        if (cell > width)
            width = cell;
    }
    return width;
}

/* 0: not a terminal, so lines may be as long as they are. */
static size_t terminal_width(void)
{
    struct winsize size;

    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* At most `most` characters of the text (0: all). */
static void print_cell(const char *text, size_t most)
{
    size_t shown = 0;

    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if ((byte & 0xC0) != 0x80 && most && shown++ == most)
            return;
        putchar(byte < 0x20 || byte == 0x7F ? ' ' : byte);
    }
}

static void print_row(const struct table *table, const char *const *cells, const size_t *widths, size_t last_width)
{
    for (size_t i = 0; table->headings[i]; i++) {
        bool is_last = !table->headings[i + 1];

        print_cell(cells[i], is_last ? last_width : 0);
        if (!is_last)
            printf("%*s", (int)(widths[i] - str_count_characters(str_from_cstr(cells[i])) + GAP), "");
    }
    putchar('\n');
}

void table_print(const struct table *table)
{
    size_t widths[TABLE_COLUMNS_MAX], before_last = 0, screen = terminal_width(), last_width = 0;

    for (size_t i = 0; table->headings[i]; i++) {
        widths[i] = column_width(table, i);
        if (table->headings[i + 1])
            before_last += widths[i] + GAP;
    }
    if (screen)
        last_width = screen > before_last + LAST_COLUMN_MIN ? screen - before_last : LAST_COLUMN_MIN;
    fputs(colour_start(stdout, COLOUR_BOLD), stdout);
    print_row(table, table->headings, widths, last_width);
    fputs(colour_end(stdout), stdout);
    for (size_t i = 0; i < table->row_count; i++)
        print_row(table, table->rows[i], widths, last_width);
}
