#include "platform/wire/wire_suggest.h"

#define NAME_LEN_MAX 64 /* longer names are not compared */

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Single-character insertions, deletions and replacements that turn a into b (Levenshtein's distance, by rows). A
 * change of case is free, and so is '-' for '_'. */
static unsigned distance(struct str a, struct str b)
{
    unsigned row[NAME_LEN_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            char from = a.ptr[i - 1] == '-' ? '_' : a.ptr[i - 1];
            bool same = str_equal_nocase(str_from(&from, 1), str_from(&b.ptr[j - 1], 1));
            unsigned replaced = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            row[j] = smaller(replaced, 1 + smaller(row[j], row[j - 1]));
        }
    }
    return row[b.len];
}

const char *wire_suggest(const ProtobufCMessageDescriptor *descriptor, struct str name)
{
    if (name.len == 0 || name.len > NAME_LEN_MAX)
        return NULL;
    const char *best = NULL;
    unsigned best_distance = UINT32_MAX;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        struct str candidate = str_from_cstr(descriptor->fields[i].name);
        if (candidate.len > NAME_LEN_MAX)
            continue;
        unsigned steps = distance(name, candidate);
        /* A third of the letters may be wrong, so that "x" is not taken for "id". */
        if (steps < best_distance && steps <= candidate.len / 3) {
            best = descriptor->fields[i].name;
            best_distance = steps;
        }
    }
    return best;
}
