/* Scripts, styles, fonts and icons: taken into memory when the shell starts. */
#include "platform/base/descriptor.h"
#include "platform/base/err.h"
#include "platform/base/hash.h"
#include "services/shell/web_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* The same bytes have the same ETag in every process. */
static const struct hash_key etag_key = {{0, 0}};

static const struct {
    const char *end, *type;
} types[] = {
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".svg", "image/svg+xml; charset=utf-8"},
    {".txt", "text/plain; charset=utf-8"},
    {".woff2", "font/woff2"},
    {".ico", "image/x-icon"},
    {".png", "image/png"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".jpg", "image/jpeg"},
    {".webmanifest", "application/manifest+json"},
};

static bool ends_with(struct str s, struct str end)
{
    return s.len > end.len && str_equal(str_skip(s, s.len - end.len), end);
}

const char *web_media_type(struct str name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (ends_with(name, str_from_cstr(types[i].end)))
            return types[i].type;
    }
    return NULL;
}

bool web_is_name(struct str name)
{
    if (name.len == 0 || name.len > NAME_MAX || name.ptr[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' ||
              c == '_'))
            return false;
    }
    return true;
}

/* The form of a file that has it; *ret_blob stays NULL where it has not. */
static int read_form(struct web *web, int folder, const char *name, const char *end, struct http_blob **ret_blob)
{
    CLEANUP(buf_free) struct buf buf = BUF(WEB_FILE_BYTES_MAX);
    char path[NAME_MAX + 8];

    snprintf(path, sizeof(path), "%s%s", name, end);
    int result = web_read_file(folder, path, WEB_FILE_BYTES_MAX, &buf);
    if (result == ERR_NOT_FOUND && *end)
        return 0;
    TRY(result);
    web->asset_bytes += buf.len;
    if (web->asset_bytes > WEB_ASSETS_BYTES_MAX)
        return ERR_TOO_LARGE;
    *ret_blob = http_blob_new(buf.len ? buf_str(&buf) : STR(""));
    return *ret_blob ? 0 : ERR_NO_MEMORY;
}

static int load_asset(struct web *web, int folder, const char *app, const char *name)
{
    static const char *const ends[WEB_FORMS] = {[CODING_BROTLI] = ".br", [CODING_GZIP] = ".gz", [CODING_NONE] = ""};
    struct web_asset *asset = arena_alloc(web->arena, sizeof(*asset));
    char *path = arena_printf(web->arena, "/assets/%s/%s", app, name);
    void *before = NULL;

    if (!asset || !path)
        return ERR_NO_MEMORY;
    asset->path = str_from_cstr(path);
    asset->type = web_media_type(asset->path);
    TRY(map_put(web->assets, asset->path, asset, &before));
    for (size_t i = 0; i < WEB_FORMS; i++)
        TRY(read_form(web, folder, name, ends[i], &asset->blobs[i]));
    return 0;
}

/* When it is first asked for, and not when the shell starts, which waits for nobody. Two who ask at once find the same.
 */
uint64_t web_asset_hash(struct web_asset *asset, enum content_coding form)
{
    uint64_t hash = atomic_load(&asset->hashes[form]);

    if (hash)
        return hash;
    hash = hash_keyed(&etag_key, http_blob_bytes(asset->blobs[form]));
    atomic_store(&asset->hashes[form], hash);
    return hash;
}

static void close_listing(DIR **listing)
{
    if (*listing)
        closedir(*listing);
}

/* Calls visit with each name of the folder that may be served. */
static int walk(int folder, int (*visit)(struct web *web, int folder, const char *above, const char *name),
                struct web *web, const char *above)
{
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(close_listing) DIR *listing = own < 0 ? NULL : fdopendir(own);
    const struct dirent *entry;

    if (!listing) {
        descriptor_close(&own);
        return ERR_NOT_FOUND;
    }
    while ((entry = readdir(listing))) {
        if (web_is_name(str_from_cstr(entry->d_name)))
            TRY(visit(web, folder, above, entry->d_name));
    }
    return 0;
}

/* What has no media type is not for browsers: source maps, and the compressed forms, which come with their file. */
static int visit_file(struct web *web, int folder, const char *app, const char *name)
{
    return web_media_type(str_from_cstr(name)) ? load_asset(web, folder, app, name) : 0;
}

static int visit_app(struct web *web, int folder, const char *above, const char *name)
{
    CLEANUP(descriptor_close) int app = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)above;
    return app < 0 ? 0 : walk(app, visit_file, web, name);
}

int web_load_assets(struct web *web, int folder)
{
    CLEANUP(descriptor_close) int assets = openat(folder, "assets", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return assets < 0 ? ERR_NOT_FOUND : walk(assets, visit_app, web, NULL);
}
