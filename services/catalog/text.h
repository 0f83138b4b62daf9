/* How titles, brands and search words are compared: folded to lower case without accents, and cut into words.
 *
 * Folding covers ASCII and the Latin letters of U+00C0 to U+017F ("Größe" gives "grosse"); other scripts stay as they
 * are. Pure functions; input is UTF-8. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/str.h"

#define TEXT_WORD_BYTES_MAX 40
#define TEXT_SLUG_BYTES_MAX 80
#define TEXT_KEY_BYTES_MAX 120 /* fits a list cursor */

/* The folded text; ERR_NO_MEMORY. At most twice as long as the text. */
int catalog_text_fold(struct arena *arena, struct str text, struct str *ret_folded);

/* The folded text cut to TEXT_KEY_BYTES_MAX, to sort by: equal keys are told apart by the row's id. */
int catalog_text_sort_key(struct arena *arena, struct str text, struct str *ret_key);

/* Takes the next word off *rest, which is folded: a run of letters and digits. A word is cut at TEXT_WORD_BYTES_MAX,
 * and loses one plural s ("lamps" is found as "lamp"). False at the end. */
bool catalog_text_next_word(struct str *rest, struct str *ret_word);

/* Distinct words of the folded texts in the order of their first appearance, at most max; views into the texts. */
int catalog_text_words(struct arena *arena, const struct str *texts, size_t count, size_t max, struct str **ret_words,
                       size_t *ret_count);

/* "Café au lait, 2 cups" gives "cafe-au-lait-2-cups": letters a to z and digits joined by hyphens, at most
 * TEXT_SLUG_BYTES_MAX; "product" when nothing remains. */
int catalog_text_slug(struct arena *arena, struct str title, struct str *ret_slug);

/* Whether the text is one line that a person typed: no control characters, and not only spaces. */
bool catalog_text_is_line(struct str text);

/* Whether the text has the form of a UUID: 36 characters, hyphens in their places. */
bool catalog_text_is_uuid(struct str text);
