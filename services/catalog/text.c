#include "services/catalog/text.h"

#include "platform/base/err.h"

/* What the letters from U+00C0 to U+017F fold to; "" keeps the character. */
static const char *const latin_folds[] = {
    "a", "a", "a",  "a",  "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",  /* U+00C0 */
    "d", "n", "o",  "o",  "o", "o", "o",  "",  "o", "u", "u", "u", "u", "y", "th", "ss", /* U+00D0 */
    "a", "a", "a",  "a",  "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",  /* U+00E0 */
    "d", "n", "o",  "o",  "o", "o", "o",  "",  "o", "u", "u", "u", "u", "y", "th", "y",  /* U+00F0 */
    "a", "a", "a",  "a",  "a", "a", "c",  "c", "c", "c", "c", "c", "c", "c", "d",  "d",  /* U+0100 */
    "d", "d", "e",  "e",  "e", "e", "e",  "e", "e", "e", "e", "e", "g", "g", "g",  "g",  /* U+0110 */
    "g", "g", "g",  "g",  "h", "h", "h",  "h", "i", "i", "i", "i", "i", "i", "i",  "i",  /* U+0120 */
    "i", "i", "ij", "ij", "j", "j", "k",  "k", "k", "l", "l", "l", "l", "l", "l",  "l",  /* U+0130 */
    "l", "l", "l",  "n",  "n", "n", "n",  "n", "n", "n", "n", "n", "o", "o", "o",  "o",  /* U+0140 */
    "o", "o", "oe", "oe", "r", "r", "r",  "r", "r", "r", "s", "s", "s", "s", "s",  "s",  /* U+0150 */
    "s", "s", "t",  "t",  "t", "t", "t",  "t", "u", "u", "u", "u", "u", "u", "u",  "u",  /* U+0160 */
    "u", "u", "u",  "u",  "w", "w", "y",  "y", "y", "z", "z", "z", "z", "z", "z",  "s",  /* U+0170 */
};

/* The fold of the two-byte character, or NULL when it keeps its bytes. */
static const char *latin_fold(unsigned char first, unsigned char second)
{
    unsigned code = (first & 0x1fu) << 6 | (second & 0x3fu);

    if (code < 0xc0 || code > 0x17f || latin_folds[code - 0xc0][0] == '\0')
        return NULL;
    return latin_folds[code - 0xc0];
}

int catalog_text_fold(struct arena *arena, struct str text, struct str *ret_folded)
{
    char *folded = arena_alloc(arena, text.len + 1); /* a fold is never longer than the two bytes it stands for */
    size_t len = 0;

    if (!folded)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        const char *fold = NULL;

        if (c >= 0xc3 && c <= 0xc5 && i + 1 < text.len)
            fold = latin_fold(c, (unsigned char)text.ptr[i + 1]);
        if (fold) {
            for (i++; *fold; fold++)
                folded[len++] = *fold;
        } else {
            folded[len++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        }
    }
    *ret_folded = str_from(folded, len);
    return 0;
}

/* The longest part of at most max bytes that ends behind a whole character. */
static struct str cut(struct str text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && ((unsigned char)text.ptr[max] & 0xc0) == 0x80)
        max--;
    return str_slice(text, 0, max);
}

int catalog_text_sort_key(struct arena *arena, struct str text, struct str *ret_key)
{
    struct str folded;

    TRY(catalog_text_fold(arena, text, &folded));
    *ret_key = cut(folded, TEXT_KEY_BYTES_MAX);
    return 0;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static struct str without_plural(struct str word)
{
    if (word.len > 3 && word.ptr[word.len - 1] == 's' && word.ptr[word.len - 2] != 's')
        word.len--;
    return word;
}

bool catalog_text_next_word(struct str *rest, struct str *ret_word)
{
    size_t start = 0, end;

    while (start < rest->len && !is_word_byte(rest->ptr[start]))
        start++;
    for (end = start; end < rest->len && is_word_byte(rest->ptr[end]);)
        end++;
    if (start == end)
        return false;
    *ret_word = without_plural(cut(str_slice(*rest, start, end - start), TEXT_WORD_BYTES_MAX));
    *rest = str_skip(*rest, end);
    return true;
}

/* FNV-1a (Fowler, Noll, Vo); the set is bounded, so a made-up collision costs little. */
static uint64_t hash_word(struct str word)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < word.len; i++)
        hash = (hash ^ (unsigned char)word.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Adds the word to the set (open addressing, never full) unless it is there. */
static bool add_word(struct str *slots, size_t slot_count, struct str word)
{
    size_t slot = (size_t)hash_word(word) % slot_count;

    while (slots[slot].ptr) {
        if (str_equal(slots[slot], word))
            return false;
        slot = (slot + 1) % slot_count;
    }
    slots[slot] = word;
    return true;
}

int catalog_text_words(struct arena *arena, const struct str *texts, size_t count, size_t max, struct str **ret_words,
                       size_t *ret_count)
{
    size_t slot_count = max * 2 + 1, found = 0;
    struct str *slots = arena_alloc_array(arena, slot_count, sizeof(*slots));
    struct str *words = arena_alloc_array(arena, max, sizeof(*words));

    if (!slots || !words)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct str rest = texts[i], word;

        while (found < max && catalog_text_next_word(&rest, &word))
            if (add_word(slots, slot_count, word))
                words[found++] = word;
    }
    *ret_words = words;
    *ret_count = found;
    return 0;
}

int catalog_text_slug(struct arena *arena, struct str title, struct str *ret_slug)
{
    struct str folded;
    char *slug = arena_alloc(arena, TEXT_SLUG_BYTES_MAX);
    size_t len = 0;
    bool gap = false;

    if (!slug)
        return ERR_NO_MEMORY;
    TRY(catalog_text_fold(arena, title, &folded));
    for (size_t i = 0; i < folded.len; i++) {
        char c = folded.ptr[i];

        if (!is_word_byte(c) || (unsigned char)c >= 0x80) {
            gap = len > 0;
            continue;
        }
        if (len + gap + 1 > TEXT_SLUG_BYTES_MAX)
            break;
        if (gap)
            slug[len++] = '-';
        slug[len++] = c;
        gap = false;
    }
    *ret_slug = len ? str_from(slug, len) : STR("product");
    return 0;
}

bool catalog_text_is_line(struct str text)
{
    bool is_visible = false;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c == 0x7f)
            return false;
        is_visible = is_visible || c != ' ';
    }
    return is_visible;
}

bool catalog_text_is_uuid(struct str text)
{
    if (text.len != 36)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_hyphen_place = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_hyphen_place ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}
