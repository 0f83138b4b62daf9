/* The text of problems: whatever of a client's goes into one and is cut, what is left is UTF-8, a beginning of what it
 * was, and JSON when it is written. */
#include "platform/wire/wire.h"
#include "tests/fuzz/fuzz.h"

#include <yyjson.h>

#define TEXT_BYTES_MAX ((size_t)1 << 20)

static void check_cut(struct str text, struct str whole, size_t size)
{
    ASSERT(str_starts_with(whole, text) && str_is_utf8(text));
    /* No more is cut than must be: a character has at most four bytes. */
    ASSERT(text.len == whole.len || text.len + 4 >= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(FUZZ_ARENA_BYTES);
    CLEANUP(buf_free) struct buf json = BUF(TEXT_BYTES_MAX);
    struct problem problem = {0};
    char *text = arena_cstr(arena, str_from(data, size));

    if (!text || !str_is_utf8(str_from_cstr(text)))
        return 0;
    ASSERT(problem_set(&problem, ERR_INVALID, "invalid", text, "%s", text) == ERR_INVALID);
    check_cut(str_from_cstr(problem.pointer), str_from_cstr(text), PROBLEM_POINTER_MAX);
    check_cut(str_from_cstr(problem.detail), str_from_cstr(text), PROBLEM_DETAIL_MAX);
    wire_problem_to_json(&problem, STR_EMPTY, &json);
    yyjson_doc *parsed = yyjson_read(json.ptr, json.len, YYJSON_READ_NOFLAG);
    ASSERT(parsed);
    yyjson_doc_free(parsed);
    return 0;
}
