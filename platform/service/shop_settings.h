/* What every service may have to know of the shop that it is part of: what it is called, and where and in which money
 * it sells. Tables of settings as any other; the program loads them beside those of the services. */
#pragma once

#include "platform/base/config.h"

enum shop_setting { SHOP_NAME, SHOP_LOCALE, SHOP_COUNTRY, SHOP_CURRENCY };

/* By enum shop_setting. */
extern const struct config_row shop_settings[];

/* ERR_INVALID for a country or currency that does not exist, or a locale in which no page can be written; ret_message
 * names the setting, and the locales that there are. */
int shop_settings_check(const struct config *config, char ret_message[512]);
