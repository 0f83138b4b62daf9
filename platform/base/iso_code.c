#include "platform/base/iso_code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By the number of digits behind the point. */
static const char *const currencies[] = {
    [0] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    [1] = "",
    [2] = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC "
          "CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR "
          "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD "
          "NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN "
          "SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    [3] = "BHD IQD JOD KWD LYD OMR TND",
};

/* The codes of a list are parted by spaces, so that one of the same length is found as a whole or not at all. */
static bool is_in(const char *list, struct str code, size_t len)
{
    for (size_t i = 0; i < code.len; i++) {
        if (code.ptr[i] < 'A' || code.ptr[i] > 'Z')
            return false;
    }
    return code.len == len && str_find(str_from_cstr(list), code) >= 0;
}

const char *iso_country_name(struct str code)
{
    size_t count;
    const struct iso_country *countries = iso_countries(&count);

    for (size_t i = 0; code.len == 2 && i < count; i++) {
        if (memcmp(countries[i].code, code.ptr, 2) == 0)
            return countries[i].name;
    }
    return NULL;
}

bool iso_country_exists(struct str code)
{
    return iso_country_name(code) != NULL;
}

int iso_currency_digits(struct str code)
{
    for (size_t digits = 0; digits < sizeof(currencies) / sizeof(currencies[0]); digits++) {
        if (is_in(currencies[digits], code, 3))
            return (int)digits;
    }
    return -1;
}

void iso_money_format(int64_t amount, struct str currency, char ret_text[ISO_MONEY_BYTES])
{
    static const int64_t units[] = {1, 10, 100, 1000};
    int digits = iso_currency_digits(currency);

    if (digits <= 0 || digits > 3) /* more have none */
        snprintf(ret_text, ISO_MONEY_BYTES, "%lld %.*s", (long long)amount, STR_FORMAT(currency));
    else
        snprintf(ret_text, ISO_MONEY_BYTES, "%s%lld.%0*lld %.*s", amount < 0 ? "-" : "",
                 llabs((long long)(amount / units[digits])), digits, llabs((long long)(amount % units[digits])),
                 STR_FORMAT(currency));
}
