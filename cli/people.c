/* Who may do what, and whose shop it is: roles, disabled accounts, tenants. */
#include "cli/shop.h"
#include "cli/terminal.h"

#include <yyjson.h>

#define REQUEST_BYTES_MAX ((size_t)64 << 10)

int command_user_grant(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, true);

    buf_append_char(&json, '{');
    json_add(&json, "email", options->arguments[0]);
    json_add(&json, "role", options->arguments[1]);
    buf_append_char(&json, '}');
    if (status == EXIT_DONE)
        status = shop_ask(&shop, "identity", "grant_role", buf_str(&json), &reply, &is_printed);
    if (status == EXIT_DONE && !is_printed)
        printf("%s has the role %s.\n", options->arguments[0], options->arguments[1]);
    return status;
}

static int set_account_status(const struct command_options *options, const char *account_status, const char *told)
{
    CLEANUP(shop_close) struct shop shop = {0};
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, false);

    buf_append_char(&json, '{');
    json_add(&json, "email", options->arguments[0]);
    json_add(&json, "status", account_status);
    buf_append_char(&json, '}');
    if (status == EXIT_DONE)
        status = shop_ask(&shop, "identity", "set_account_status", buf_str(&json), &reply, &is_printed);
    if (status == EXIT_DONE && !is_printed)
        printf("%s %s.\n", options->arguments[0], told);
    return status;
}

int command_user_disable(const struct command_options *options)
{
    return set_account_status(options, "disabled", "is disabled and signed out everywhere");
}

int command_user_enable(const struct command_options *options)
{
    return set_account_status(options, "active", "is enabled");
}

int command_tenant_add(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    bool is_printed = false;
    struct str reply;
    int status = shop_open(&shop, options, true);

    buf_append_char(&json, '{');
    json_add(&json, "id", options->arguments[0]);
    if (options->argument_count > 1)
        json_add(&json, "host", options->arguments[1]);
    buf_append_char(&json, '}');
    if (status == EXIT_DONE)
        status = shop_ask(&shop, "identity", "add_tenant", buf_str(&json), &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    const char *host = json_text(shop.arena, yyjson_doc_get_root(document), "host");
    bool has_host = host && host[0];
    printf("The tenant %s is reached by the header X-Tenant: %s%s%s.\n", options->arguments[0], options->arguments[0],
           has_host ? " and the host " : "", has_host ? host : "");
    return EXIT_DONE;
}

int command_tenant_list(const struct command_options *options)
{
    static const char *const headings[] = {"TENANT", "HOST"};
    static const char *const members[] = {"id", "host", NULL};
    CLEANUP(shop_close) struct shop shop = {0};
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, false);

    if (status == EXIT_DONE)
        status = shop_ask(&shop, "identity", "list_tenants", STR("{}"), &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    return shop_show_list(&shop, yyjson_obj_get(yyjson_doc_get_root(document), "tenants"), headings, members,
                          "There are no tenants.");
}
