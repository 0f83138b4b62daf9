#include "platform/service/shop_settings.h"

#include "platform/base/err.h"
#include "platform/base/iso_code.h"

#include <stdio.h>

const struct config_row shop_settings[] = {
    [SHOP_NAME] = {"SHOPSTREAM_NAME", CONFIG_STRING, "Shopstream", 1, 60, "What the shop is called"},
    [SHOP_LOCALE] = {"SHOPSTREAM_LOCALE", CONFIG_STRING, "en-GB", 2, 35,
                     "How pages write numbers, prices and dates: a language and a country, as de-DE"},
    [SHOP_COUNTRY] = {"SHOPSTREAM_COUNTRY", CONFIG_STRING, "DE", 2, 2,
                      "The country that pages show prices of, and suggest to ship to (ISO 3166-1)"},
    [SHOP_CURRENCY] = {"SHOPSTREAM_CURRENCY", CONFIG_STRING, "EUR", 3, 3,
                       "The shop's currency (ISO 4217): of pages, carts and orders that name none"},
    {0},
};

/* Those in which pages can write; frontend/tests/format.test.ts holds each to what its country does. */
static const char *const locales[] = {
    "da-DK", "de-BE", "de-DE", "de-LU", "en-GB", "en-IE", "en-NZ", "en-SG", "en-US",
    "es-ES", "fr-BE", "fr-FR", "it-IT", "nl-BE", "nl-NL", "sv-FI", "sv-SE",
};
#define LOCALE_COUNT (sizeof(locales) / sizeof(locales[0]))

static bool is_locale(struct str tag)
{
    for (size_t i = 0; i < LOCALE_COUNT; i++) {
        if (str_equal_cstr(tag, locales[i]))
            return true;
    }
    return false;
}

static void list_locales(char ret_message[512])
{
    int used = snprintf(ret_message, 512, "SHOPSTREAM_LOCALE must be one of");

    for (size_t i = 0; i < LOCALE_COUNT; i++)
        used += snprintf(ret_message + used, 512 - (size_t)used, "%s %s", i > 0 ? "," : "", locales[i]);
}

int shop_settings_check(const struct config *config, char ret_message[512])
{
    const char *message = NULL;

    if (!is_locale(config_get_str(config, &shop_settings[SHOP_LOCALE]))) {
        list_locales(ret_message);
        return ERR_INVALID;
    }
    if (iso_currency_digits(config_get_str(config, &shop_settings[SHOP_CURRENCY])) < 0)
        message = "SHOPSTREAM_CURRENCY must be the code of a currency that is in use (ISO 4217), as EUR";
    else if (!iso_country_exists(config_get_str(config, &shop_settings[SHOP_COUNTRY])))
        message = "SHOPSTREAM_COUNTRY must be the code of a country (ISO 3166-1), as DE";
    if (!message)
        return 0;
    snprintf(ret_message, 512, "%s", message);
    return ERR_INVALID;
}
