/* Structured logs: one JSON object a line, on stderr unless told otherwise.
 *
 *     log_info(&call->log, "order placed", LOG_STR("order_id", id), LOG_INT("total", total));
 *
 * The message is a constant; what varies goes into fields. The layer that handles an error logs it, once. A line is one
 * write(2) of at most LOG_LINE_BYTES, so lines of several tasks do not mix; values that are too long are cut, fields
 * that no longer fit are left out and the line says "truncated". Whatever the bytes of a value are, the line stays
 * valid JSON in UTF-8. On a terminal the line is a short one for people, without control characters.
 *
 * A struct secret (secret.h) is no value that a field takes. */
#pragma once

#include "platform/base/err.h"
#include "platform/base/str.h"

#define LOG_LINE_BYTES 4096 /* PIPE_BUF: what Linux writes to a pipe in one piece */
#define LOG_VALUE_BYTES 1024

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR, LOG_LEVEL_NONE };

/* What each line of a call carries. Zeroes are fine; what is empty is left out. */
struct log_context {
    const char *service;
    struct str trace_id;
};

enum log_field_kind { LOG_FIELD_END = 0, LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_BOOL };

struct log_field {
    const char *name; /* snake_case, a constant */
    enum log_field_kind kind;
    int64_t integer;
    struct str text;
};

#define LOG_STR(field_name, value) ((struct log_field){.name = (field_name), .kind = LOG_FIELD_STR, .text = (value)})
#define LOG_CSTR(field_name, value) LOG_STR(field_name, str_from_cstr(value))
#define LOG_INT(field_name, value) ((struct log_field){.name = (field_name), .kind = LOG_FIELD_INT, .integer = (value)})
#define LOG_BOOL(field_name, value)                                                                                    \
    ((struct log_field){.name = (field_name), .kind = LOG_FIELD_BOOL, .integer = (value)})
/* A code of err.h, by its name. */
#define LOG_ERR(code) LOG_CSTR("error", error_name(code))

/* The context may be NULL. */
#define log_debug(context, message, ...) LOG_WRITE_(context, LOG_LEVEL_DEBUG, message, __VA_ARGS__)
#define log_info(context, message, ...) LOG_WRITE_(context, LOG_LEVEL_INFO, message, __VA_ARGS__)
#define log_warning(context, message, ...) LOG_WRITE_(context, LOG_LEVEL_WARNING, message, __VA_ARGS__)
#define log_error(context, message, ...) LOG_WRITE_(context, LOG_LEVEL_ERROR, message, __VA_ARGS__)
#define LOG_WRITE_(context, level, message, ...)                                                                       \
    do {                                                                                                               \
        if (log_is_enabled(level))                                                                                     \
            log_write((context), (level), (message),                                                                   \
                      (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.kind = LOG_FIELD_END}});                  \
    } while (0)

bool log_is_enabled(enum log_level level);

/* The fields end with LOG_FIELD_END. */
void log_write(const struct log_context *context, enum log_level level, const char *message,
               const struct log_field *fields);

enum log_format { LOG_FORMAT_AUTOMATIC, LOG_FORMAT_JSON, LOG_FORMAT_SHORT };

/* Where lines go from now on, from which level on; automatic means short on a terminal and JSON elsewhere. Until the
 * first call: stderr, from LOG_LEVEL_INFO on, automatic. The descriptor stays the caller's. */
void log_configure(int descriptor, enum log_level least, enum log_format format);

/* "debug", "info", "warning", "error", "none"; ERR_INVALID for anything else. */
int log_level_parse(struct str name, enum log_level *ret_level);
