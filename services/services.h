/* Every service of the shop: to add one, name it here and in services.c. */
#pragma once

#include "platform/service/service.h"

extern const struct service admin_service;
extern const struct service health_service;
extern const struct service identity_service;
extern const struct service catalog_service;
extern const struct service orders_service;
extern const struct service payments_service;
extern const struct service mailbox_service;
extern const struct service realtime_service;
extern const struct service shell_service;
extern const struct service stripe_emulator_service;

/* In the order in which they start; ends with NULL. */
extern const struct service *const all_services[];

/* The service of that name, or NULL. */
const struct service *service_find(struct str name);
