/* The databases' state, and the API's description. */
#include "cli/settings.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/service/host.h"
#include "platform/wire/openapi.h"
#include "services/services.h"

#define OPENAPI_BYTES_MAX ((size_t)4 << 20)

/* Opening a shop migrates it, and reading its workflows opens it; a running one did so when it started. */
int command_migrate(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    struct str reply;
    size_t count = 0;
    int status = shop_open(&shop, options, true);

    if (status == EXIT_DONE)
        status = shop_call(&shop, "admin", "list_quarantine", STR("{}"), &reply);
    if (status != EXIT_DONE)
        return status;
    for (size_t i = 0; all_services[i]; i++)
        count += !all_services[i]->no_database;
    if (shop.host)
        printf("The %zu databases in %s are up to date.\n", count, shop.data_path);
    else
        printf("The shop in %s is running; its databases are up to date.\n", shop.data_path);
    return EXIT_DONE;
}

int command_openapi(const struct command_options *options)
{
    const struct service *services[HOST_SERVICES_MAX + 1] = {0};
    CLEANUP(buf_free) struct buf json = BUF(OPENAPI_BYTES_MAX);
    int status = choose_services(options->services, services);

    if (status != EXIT_DONE)
        return status;
    if (openapi_write(services, &json) < 0 || buf_error(&json) < 0)
        return say_failed("the document is too large");
    fwrite(json.ptr, 1, json.len, stdout);
    putchar('\n');
    return EXIT_DONE;
}
