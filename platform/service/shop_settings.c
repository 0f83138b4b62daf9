#include "platform/service/shop_settings.h"

#include "platform/base/err.h"
#include "platform/base/iso_code.h"

#include <stdio.h>

const struct config_row shop_settings[] = {
    [SHOP_NAME] = {"SHOPSTREAM_NAME", CONFIG_STRING, "Shopstream", 1, 60, "What the shop is called"},
    [SHOP_LOCALE] = {"SHOPSTREAM_LOCALE", CONFIG_STRING, "en-GB", 2, 35,
                     "How pages write numbers, prices and dates (BCP 47)"},
    [SHOP_COUNTRY] = {"SHOPSTREAM_COUNTRY", CONFIG_STRING, "DE", 2, 2,
                      "The country that pages show prices of, and suggest to ship to (ISO 3166-1)"},
    [SHOP_CURRENCY] = {"SHOPSTREAM_CURRENCY", CONFIG_STRING, "EUR", 3, 3,
                       "The shop's currency (ISO 4217): of pages, carts and orders that name none"},
    {0},
};

/* "en", "de-AT", "zh-Hans-CN": a language of two or three letters, and what narrows it, by hyphens. */
static bool is_language_tag(struct str tag)
{
    struct str rest = tag, part;
    size_t count = 0;

    while (str_next_token(&rest, '-', &part)) {
        for (size_t i = 0; i < part.len; i++) {
            bool is_letter = (part.ptr[i] | 0x20) >= 'a' && (part.ptr[i] | 0x20) <= 'z';

            if (!is_letter && (count == 0 || part.ptr[i] < '0' || part.ptr[i] > '9'))
                return false;
        }
        if (count == 0 ? part.len < 2 || part.len > 3 : part.len < 1 || part.len > 8)
            return false;
        count++;
    }
    return count > 0 && tag.ptr[tag.len - 1] != '-';
}

int shop_settings_check(const struct config *config, char ret_message[512])
{
    const char *message = NULL;

    if (iso_currency_digits(config_get_str(config, &shop_settings[SHOP_CURRENCY])) < 0)
        message = "SHOPSTREAM_CURRENCY must be the code of a currency that is in use (ISO 4217), as EUR";
    else if (!iso_country_exists(config_get_str(config, &shop_settings[SHOP_COUNTRY])))
        message = "SHOPSTREAM_COUNTRY must be the code of a country (ISO 3166-1), as DE";
    else if (!is_language_tag(config_get_str(config, &shop_settings[SHOP_LOCALE])))
        message = "SHOPSTREAM_LOCALE must be a language tag (BCP 47), as en-GB";
    if (!message)
        return 0;
    snprintf(ret_message, 512, "%s", message);
    return ERR_INVALID;
}
