/* The settings of the identity service. */
#pragma once

#include "platform/base/config.h"

#define IDENTITY_ADMIN_EMAIL "admin@shopstream.local"

enum { IDENTITY_CONFIG_ADMIN_EMAIL, IDENTITY_CONFIG_ADMIN_PASSWORD };

extern const struct config_row identity_config[];

/* The service's check: an administrator's password that the API would refuse is refused at the start. */
int identity_check_config(const struct config *config, char ret_message[512]);
