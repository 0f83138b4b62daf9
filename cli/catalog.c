/* The catalog's commands: the demo catalog, and CSV both ways. */
#include "cli/file.h"
#include "cli/shop.h"
#include "cli/terminal.h"
#include "platform/base/encode.h"
#include "platform/wire/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yyjson.h>

#define CSV_BYTES_MAX ((size_t)256 << 20)

/* -- seed ---------------------------------------------------------------------------------------------------------- */

int command_seed(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, true);

    if (status == EXIT_DONE)
        status = shop_ask(&shop, "catalog", "seed_products", STR("{}"), &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    puts(yyjson_get_bool(yyjson_obj_get(yyjson_doc_get_root(document), "seeded"))
             ? "The demo catalog is in the shop."
             : "The shop has products already; nothing was changed.");
    return EXIT_DONE;
}

/* -- import -------------------------------------------------------------------------------------------------------- */

static int say_line_errors(const char *path, yyjson_val *errors)
{
    size_t index, count;
    yyjson_val *error;

    yyjson_arr_foreach(errors, index, count, error)
    {
        const char *message = yyjson_get_str(yyjson_obj_get(error, "message"));

        fprintf(stderr, "%s:%" PRId64 ": %s\n", path, yyjson_get_sint(yyjson_obj_get(error, "line")),
                message ? message : "");
    }
    return say_failed("nothing was imported: %zu %s in %s; correct them and import it again", count,
                      count == 1 ? "error" : "errors", path);
}

static int tell_import(struct shop *shop, const char *path, struct str reply, bool is_printed)
{
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    yyjson_val *root = yyjson_doc_get_root(document), *errors = yyjson_obj_get(root, "errors");

    if (yyjson_arr_size(errors) > 0)
        return is_printed ? EXIT_FAILED : say_line_errors(path, errors);
    if (!is_printed)
        printf("Imported %s products with %s SKUs.\n", json_text(shop->arena, root, "products"),
               json_text(shop->arena, root, "skus"));
    return EXIT_DONE;
}

int command_import(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    CLEANUP(buf_free) struct buf csv = BUF(CSV_BYTES_MAX);
    CLEANUP(buf_free) struct buf json = BUF(SHOP_JSON_BYTES_MAX);
    const char *path = options->arguments[0];
    struct str reply;
    bool is_printed = false;
    int status = file_read(path, &csv);

    if (status == EXIT_DONE)
        status = shop_open(&shop, options, true);
    if (status != EXIT_DONE)
        return status;
    buf_append_cstr(&json, "{\"csv\":\"");
    encode_base64(&json, buf_str(&csv));
    buf_append_cstr(&json, "\"}");
    if (buf_error(&json) < 0)
        return say_failed("%s is too large; import it in parts", path);
    status = shop_ask(&shop, "catalog", "import_products", buf_str(&json), &reply, &is_printed);
    return status == EXIT_DONE ? tell_import(&shop, path, reply, is_printed) : status;
}

/* -- export -------------------------------------------------------------------------------------------------------- */

static int write_export(struct shop *shop, const char *path, struct str reply)
{
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    CLEANUP(buf_free) struct buf csv = BUF(CSV_BYTES_MAX);
    const char *text = json_text(shop->arena, yyjson_doc_get_root(document), "csv");

    if (!text || decode_base64(str_from_cstr(text), &csv) < 0)
        return say_failed("the shop's answer could not be read");
    if (path)
        return file_write(path, buf_str(&csv));
    fwrite(csv.ptr, 1, csv.len, stdout);
    return EXIT_DONE;
}

int command_export(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    struct str reply;
    int status = shop_open(&shop, options, false);

    if (status == EXIT_DONE)
        status = shop_call(&shop, "catalog", "export_products", STR("{}"), &reply);
    return status == EXIT_DONE ? write_export(&shop, options->argument_count ? options->arguments[0] : NULL, reply)
                               : status;
}
