#include "services/shell/web_internal.h"

#include "platform/base/descriptor.h"
#include "platform/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yyjson.h>

#define MANIFEST_BYTES_MAX ((size_t)1 << 20)
#define PICTURES_BYTES_MAX ((size_t)32 << 20)

/* -- Reading ------------------------------------------------------------------------------------------------------- */

static int open_folder(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int web_read_file(int folder, const char *name, size_t bytes_max, struct buf *buf)
{
    CLEANUP(descriptor_close) int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;

    if (file < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))
        return ERR_NOT_FOUND;
    if ((uint64_t)status.st_size > bytes_max)
        return ERR_TOO_LARGE;
    size_t left = (size_t)status.st_size;
    char *place = buf_reserve(buf, left);
    if (!place)
        return buf_error(buf);
    while (left > 0) {
        ssize_t got = read(file, place, left);

        if (got == 0 || (got < 0 && errno != EINTR))
            return ERR_UNAVAILABLE;
        if (got > 0) {
            place += got;
            left -= (size_t)got;
        }
    }
    buf_commit(buf, (size_t)status.st_size);
    return 0;
}

/* -- Opening ------------------------------------------------------------------------------------------------------- */

static int load_pages(struct web *web, int frontend)
{
    CLEANUP(buf_free) struct buf manifest = BUF(MANIFEST_BYTES_MAX);

    TRY(web_read_file(frontend, "manifest.json", MANIFEST_BYTES_MAX, &manifest));
    TRY(web_load_assets(web, frontend));
    TRY(web_load_manifest(web, buf_str(&manifest)));
    CLEANUP(descriptor_close) int server = open_folder(frontend, "server");
    return server < 0 ? 0 : web_read_file(server, "render.js", WEB_FILE_BYTES_MAX, &web->render_script);
}

static int load_pictures(struct web *web, int folder)
{
    CLEANUP(buf_free) struct buf manifest = BUF(PICTURES_BYTES_MAX);

    TRY(web_read_file(folder, "pictures.json", PICTURES_BYTES_MAX, &manifest));
    return web_load_galleries(web, buf_str(&manifest));
}

static int load(struct web *web, const char *folder, const struct log_context *log)
{
    CLEANUP(descriptor_close) int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(descriptor_close) int frontend = root < 0 ? -1 : open_folder(root, "frontend");
    int result = frontend < 0 ? ERR_NOT_FOUND : load_pages(web, frontend);

    if (result == ERR_NO_MEMORY)
        return result;
    if (result < 0)
        log_warning(log, "pages are not built: the shop answers its API alone", LOG_CSTR("folder", folder),
                    LOG_ERR(result));
    web->pictures = root < 0 ? -1 : open_folder(root, "pictures");
    result = web->pictures < 0 ? 0 : load_pictures(web, web->pictures);
    if (result == ERR_NO_MEMORY)
        return result;
    if (result < 0)
        log_warning(log, "the list of pictures cannot be read", LOG_CSTR("folder", folder), LOG_ERR(result));
    return 0;
}

int web_new(struct web **ret_web, const char *folder, const struct log_context *log)
{
    struct web *web = calloc(1, sizeof(*web));

    if (!web)
        return ERR_NO_MEMORY;
    task_mutex_init(&web->mutex);
    web->pictures = -1;
    web->render_script = BUF(WEB_FILE_BYTES_MAX);
    web->arena = arena_new(WEB_ARENA_BYTES_MAX);
    web->assets = map_new(WEB_ASSETS_MAX);
    web->galleries = map_new(WEB_GALLERIES_MAX);
    int result = web->arena && web->assets && web->galleries ? load(web, folder, log) : ERR_NO_MEMORY;
    if (result < 0) {
        web_free(web);
        return result;
    }
    *ret_web = web;
    return 0;
}

void web_free(struct web *web)
{
    size_t cursor = 0;
    struct str path;
    void *value;

    if (!web)
        return;
    while (web->assets && map_next(web->assets, &cursor, &path, &value)) {
        struct web_asset *asset = value;

        for (size_t i = 0; i < WEB_FORMS; i++)
            http_blob_unref(asset->blobs[i]);
    }
    map_free(web->assets);
    map_free(web->galleries);
    yyjson_doc_free(web->galleries_json);
    buf_free(&web->render_script);
    arena_free(web->arena);
    if (web->pictures >= 0)
        close(web->pictures);
    task_mutex_destroy(&web->mutex);
    free(web);
}

/* -- Looking ------------------------------------------------------------------------------------------------------- */

bool web_is_built(const struct web *web)
{
    return web->scripts.count > 0;
}

struct str web_render_script(const struct web *web)
{
    return buf_str(&web->render_script);
}

struct web_list web_early_scripts(const struct web *web)
{
    return web->early;
}

struct web_list web_scripts(const struct web *web)
{
    return web->scripts;
}

struct web_list web_styles(const struct web *web)
{
    return web->styles;
}

struct web_list web_preloads(const struct web *web, const char *kind)
{
    for (size_t i = 0; i < web->kind_count; i++) {
        if (str_equal_cstr(web->kinds[i].name, kind))
            return web->kinds[i].preloads;
    }
    return (struct web_list){0};
}

struct web_asset *web_find_asset(const struct web *web, struct str path)
{
    return map_get(web->assets, path);
}

int web_pictures(const struct web *web)
{
    return web->pictures;
}
