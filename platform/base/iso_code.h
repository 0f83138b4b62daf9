/* The codes of the world that the shop checks by table, not by shape: countries of ISO 3166-1 (alpha-2), and currencies
 * of ISO 4217 that are in use and can be paid with (no metals, funds or test codes), as of January 2026. Both are
 * capital letters. */
#pragma once

#include "platform/base/str.h"

struct iso_country {
    char code[3];
    const char *name; /* in English */
};

/* All of them, in the order of their names. */
const struct iso_country *iso_countries(size_t *ret_count);

bool iso_country_exists(struct str code);

/* NULL for a code that does not exist. */
const char *iso_country_name(struct str code);

/* How many digits of an amount stand behind the point: 2 for EUR, 0 for JPY, 3 for KWD. -1: there is no such currency.
 */
int iso_currency_digits(struct str code);

/* Room for an amount of iso_money_format: 19 digits, sign, point, space, code. */
#define ISO_MONEY_BYTES 32

/* "12.34 EUR", "1234 JPY": minor units as people read them. A currency that is not known has no point. */
void iso_money_format(int64_t amount, struct str currency, char ret_text[ISO_MONEY_BYTES]);
