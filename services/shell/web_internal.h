/* How the built files are kept; private to web*.c. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"
#include "platform/base/log.h"
#include "platform/base/map.h"
#include "platform/base/task.h"
#include "services/shell/web.h"

#define WEB_ASSETS_MAX 2000
#define WEB_ASSETS_BYTES_MAX ((size_t)64 << 20)
#define WEB_FILE_BYTES_MAX ((size_t)16 << 20)
#define WEB_GALLERIES_MAX 20000
#define WEB_KINDS_MAX 32
#define WEB_LIST_MAX 32
#define WEB_ARENA_BYTES_MAX ((size_t)64 << 20)

struct web_kind {
    struct str name;
    struct web_list preloads;
};

/* One of very many: it is read when the first page shows it. */
struct web_gallery {
    struct yyjson_val *json;
    Pages__Gallery *gallery; /* once it is read; NULL where that failed */
    bool is_read;
};

struct web {
    struct arena *arena;
    struct map *assets;    /* struct web_asset by path */
    struct map *galleries; /* struct web_gallery by image_url */
    struct yyjson_doc *galleries_json;
    struct task_mutex mutex; /* of galleries, and of the arena once the files are read */
    size_t asset_bytes;
    struct buf render_script;
    struct web_list early, scripts, styles;
    struct web_kind kinds[WEB_KINDS_MAX];
    size_t kind_count;
    int pictures; /* a folder's descriptor, or -1 */
};

/* Appends a whole file of the folder. ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_UNAVAILABLE. */
int web_read_file(int folder, const char *name, size_t bytes_max, struct buf *buf);

/* web_files.c: everything below assets/, which lies in the folder. ERR_NOT_FOUND without it. */
int web_load_assets(struct web *web, int folder);

/* web_manifest.c: what the two manifests say. ERR_INVALID when one is not what it should be. */
int web_load_manifest(struct web *web, struct str json);
int web_load_galleries(struct web *web, struct str json);
