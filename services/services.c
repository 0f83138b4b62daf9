#include "services/services.h"

const struct service *const all_services[] = {
    &identity_service,
    &catalog_service,
    &stripe_emulator_service,
    &payments_service,
    &orders_service,
    &realtime_service,
    &admin_service,
    &mailbox_service,
    &shell_service,
    &health_service,
    NULL,
};

const struct service *service_find(struct str name)
{
    for (size_t i = 0; all_services[i]; i++) {
        if (str_equal_cstr(name, all_services[i]->name))
            return all_services[i];
    }
    return NULL;
}
