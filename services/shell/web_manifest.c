/* What the build says of its files: manifest.json (which scripts and styles a page has) and pictures.json (which
 * pictures stand for an image_url). */
#include "platform/base/err.h"
#include "platform/wire/wire.h"
#include "services/shell/web_internal.h"

#include <stdlib.h>
#include <yyjson.h>

static void free_document(yyjson_doc **document)
{
    yyjson_doc_free(*document);
}

static yyjson_doc *parse(struct str json)
{
    return yyjson_read(json.ptr, json.len, YYJSON_READ_NOFLAG);
}

static struct str text_of(yyjson_val *value)
{
    return str_from(yyjson_get_str(value), yyjson_get_len(value));
}

/* -- manifest.json ------------------------------------------------------------------------------------------------- */

/* Strings of an array, each the path of an asset that is there. */
static int read_list(struct web *web, yyjson_val *array, struct web_list *ret_list)
{
    struct str *items = arena_alloc_array(web->arena, WEB_LIST_MAX, sizeof(items[0]));
    size_t index, count, used = 0;
    yyjson_val *value;

    if (!items)
        return ERR_NO_MEMORY;
    yyjson_arr_foreach(array, index, count, value)
    {
        const struct web_asset *asset = yyjson_is_str(value) ? web_find_asset(web, text_of(value)) : NULL;

        if (!asset || used == WEB_LIST_MAX)
            return ERR_INVALID;
        items[used++] = asset->path;
    }
    *ret_list = (struct web_list){items, used};
    return 0;
}

static int read_kinds(struct web *web, yyjson_val *kinds)
{
    size_t index, count;
    yyjson_val *key, *value;

    yyjson_obj_foreach(kinds, index, count, key, value)
    {
        struct web_kind *kind = &web->kinds[web->kind_count];

        if (web->kind_count == WEB_KINDS_MAX)
            return ERR_INVALID;
        kind->name = arena_copy(web->arena, text_of(key));
        if (!kind->name.ptr)
            return ERR_NO_MEMORY;
        TRY(read_list(web, yyjson_obj_get(value, "preloads"), &kind->preloads));
        web->kind_count++;
    }
    return 0;
}

int web_load_manifest(struct web *web, struct str json)
{
    CLEANUP(free_document) yyjson_doc *document = parse(json);
    yyjson_val *root = yyjson_doc_get_root(document);
    yyjson_val *shell = yyjson_obj_get(yyjson_obj_get(root, "apps"), "shell");

    if (!yyjson_is_obj(shell))
        return ERR_INVALID;
    TRY(read_list(web, yyjson_obj_get(shell, "styles"), &web->styles));
    TRY(read_list(web, yyjson_obj_get(shell, "early"), &web->early));
    TRY(read_kinds(web, yyjson_obj_get(root, "kinds")));
    return read_list(web, yyjson_obj_get(shell, "scripts"), &web->scripts);
}

/* -- pictures.json ------------------------------------------------------------------------------------------------- */

int web_load_galleries(struct web *web, struct str json)
{
    web->galleries_json = parse(json);
    yyjson_val *root = yyjson_doc_get_root(web->galleries_json), *key, *value;
    size_t index, count;

    if (!yyjson_is_obj(root))
        return ERR_INVALID;
    struct web_gallery *galleries = arena_alloc_array(web->arena, yyjson_obj_size(root), sizeof(galleries[0]));
    if (!galleries)
        return ERR_NO_MEMORY;
    yyjson_obj_foreach(root, index, count, key, value)
    {
        galleries[index] = (struct web_gallery){.json = value};
        TRY(map_put(web->galleries, text_of(key), &galleries[index], NULL));
    }
    return 0;
}

static int read_gallery(struct arena *arena, yyjson_val *value, Pages__Gallery **ret_gallery)
{
    Pages__Gallery *gallery = (void *)wire_message_new(arena, &pages__gallery__descriptor);
    struct problem problem = {0};
    size_t length = 0;
    char *json = yyjson_val_write(value, YYJSON_WRITE_NOFLAG, &length);

    if (!gallery || !json) {
        free(json);
        return ERR_NO_MEMORY;
    }
    int result = wire_from_json(arena, str_from(json, length), &gallery->base, &problem);
    free(json);
    if (result >= 0)
        *ret_gallery = gallery;
    return result;
}

Pages__Gallery *web_find_gallery(struct web *web, struct str image_url)
{
    static const struct log_context log = {.service = "shell"};
    struct web_gallery *found = map_get(web->galleries, image_url);

    if (!found)
        return NULL;
    TASK_LOCKED(&web->mutex);
    if (!found->is_read) {
        int result = read_gallery(web->arena, found->json, &found->gallery);

        if (result < 0)
            log_warning(&log, "the pictures of a product cannot be read", LOG_STR("image_url", image_url),
                        LOG_ERR(result));
        found->is_read = result != ERR_NO_MEMORY;
    }
    return found->gallery;
}
