#include "platform/base/problem.h"

#include <stdarg.h>
#include <stdio.h>

/* Cuts what vsnprintf left of a multi-byte character at the end of a full buffer, so that the text stays UTF-8. */
static void trim_broken_character(char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wanted = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (len - (start - 1) < wanted)
        text[start - 1] = '\0';
}

int problem_set(struct problem *problem, int error, const char *code, const char *pointer, const char *format, ...)
{
    problem->error = error;
    problem->code = code;
    problem->retry_after_ms = 0;
    int pointer_len = snprintf(problem->pointer, sizeof(problem->pointer), "%s", pointer ? pointer : "");
    if (pointer_len >= (int)sizeof(problem->pointer))
        trim_broken_character(problem->pointer, sizeof(problem->pointer) - 1);
    va_list arguments;
    va_start(arguments, format);
    int detail_len = vsnprintf(problem->detail, sizeof(problem->detail), format, arguments);
    va_end(arguments);
    if (detail_len >= (int)sizeof(problem->detail))
        trim_broken_character(problem->detail, sizeof(problem->detail) - 1);
    return error;
}
