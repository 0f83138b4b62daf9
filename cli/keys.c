/* The keys that sign access tokens: which there are, and a new one. */
#include "cli/shop.h"
#include "cli/terminal.h"

#include <yyjson.h>

int command_keys_list(const struct command_options *options)
{
    static const char *const headings[] = {"KEY", "CREATED", "STATE", "UNTIL"};
    static const char *const members[] = {"kid", "created_at", "state", "until", NULL};
    CLEANUP(shop_close) struct shop shop = {0};
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, false);

    if (status == EXIT_DONE)
        status = shop_ask(&shop, "identity", "list_keys", STR("{}"), &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    return shop_show_list(&shop, yyjson_obj_get(yyjson_doc_get_root(document), "keys"), headings, members,
                          "There are no keys yet.");
}

int command_keys_rotate(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, false);

    if (status == EXIT_DONE)
        status = shop_ask(&shop, "identity", "rotate_keys", STR("{}"), &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    printf("The key %s signs from now on; those before it verify until their last token has expired.\n",
           json_text(shop.arena, yyjson_doc_get_root(document), "kid"));
    return EXIT_DONE;
}
