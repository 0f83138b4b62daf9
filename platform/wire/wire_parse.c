#include "platform/wire/wire_parse.h"

#include "platform/wire/wire.h"
#include "platform/wire/wire_path.h"

/* Where the string ends that begins at that place, behind its quote. */
static size_t end_of_string(struct str json, size_t at)
{
    while (at < json.len && json.ptr[at] != '"')
        at += json.ptr[at] == '\\' ? 2 : 1;
    return at;
}

/* The parser never calls itself, so depth costs no stack; but depth and the number of values bound the memory that a
 * short text can ask for ("[[[[" is a value a byte). Strings are skipped; broken text is left to the parser. */
static int check_size(struct str json, size_t *ret_values, struct problem *ret_problem)
{
    static const bool is_structure[256] = {
        ['"'] = true, [','] = true, [':'] = true, ['['] = true, [']'] = true, ['{'] = true, ['}'] = true};
    size_t depth = 0;
    size_t values = 1;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if (!is_structure[(unsigned char)c])
            continue;
        if (c == '"') {
            i = end_of_string(json, i + 1);
            continue;
        }
        values += c != ']' && c != '}';
        if ((c == '[' || c == '{') && ++depth > WIRE_DEPTH_MAX)
            return wire_refuse(ret_problem, NULL, "too_deep",
                               "The body is nested more than %d levels deep (at byte %zu).", WIRE_DEPTH_MAX, i);
        if ((c == ']' || c == '}') && depth > 0)
            depth--;
    }
    if (values > WIRE_VALUES_MAX)
        return wire_refuse(ret_problem, NULL, "too_many_values", "The body has more than %d values.", WIRE_VALUES_MAX);
    *ret_values = values;
    return 0;
}

/* yyjson guesses how many values there are and grows by half as it finds more. The number is known here, and an arena
 * cannot give back; so the block of values is made as large as it can get, and growing it is free. */
struct parser_memory {
    struct arena *arena;
    size_t values_size;
    void *values;
};

#define YYJSON_VALUE_BYTES ((size_t)16)

static void *parser_malloc(void *context, size_t size)
{
    struct parser_memory *memory = context;
    return arena_alloc(memory->arena, size);
}

static void *parser_realloc(void *context, void *ptr, size_t old_size, size_t size)
{
    struct parser_memory *memory = context;
    if (size <= old_size || (ptr == memory->values && size <= memory->values_size))
        return ptr;
    size_t room = size < memory->values_size ? memory->values_size : size;
    void *grown = arena_alloc(memory->arena, room);
    if (!grown)
        return NULL;
    memcpy(grown, ptr, old_size);
    memory->values = grown;
    memory->values_size = room;
    return grown;
}

static void parser_free(void *context, void *ptr)
{
    (void)context;
    (void)ptr;
}

int wire_parse(struct arena *arena, struct str json, yyjson_val **ret_root, struct problem *ret_problem)
{
    if (str_trim(json).len == 0)
        return wire_refuse(ret_problem, NULL, "empty_body", "The body is empty; a JSON object is expected.");
    size_t values = 0;
    TRY(check_size(json, &values, ret_problem));
    /* Half as many again, and some: what the parser asks for when it grows just before the last value. */
    struct parser_memory memory = {.arena = arena, .values_size = (values + values / 2 + 64) * YYJSON_VALUE_BYTES};
    yyjson_alc allocator = {parser_malloc, parser_realloc, parser_free, &memory};
    yyjson_read_err error;
    /* Not in situ: without that flag the text is not written to. */
    yyjson_doc *document =
        yyjson_read_opts((char *)(uintptr_t)json.ptr, json.len, YYJSON_READ_BIGNUM_AS_RAW, &allocator, &error);
    if (!document && error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return problem_set(ret_problem, ERR_NO_MEMORY, "no_memory", NULL, "The request needs too much memory.");
    if (!document)
        return wire_refuse(ret_problem, NULL, "malformed_json", "The body is not valid JSON: %s (at byte %zu).",
                           error.msg, error.pos);
    *ret_root = yyjson_doc_get_root(document);
    return 0;
}
