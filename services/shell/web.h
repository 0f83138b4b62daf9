/* What the build made for browsers: scripts and styles (frontend/), pictures (pictures/), and what their manifests say.
 *
 * Read from one folder when the shell starts. Scripts and styles are small and kept in memory with their compressed
 * forms; pictures are many, and read from disk as they are asked for. A folder that is not there, or in part, makes a
 * shop without them: it starts, says so in one line, and its pages say that they are not built. Nothing of it changes
 * while the shop runs. */
#pragma once

#include "platform/base/str.h"
#include "platform/net/http.h"
#include "platform/service/compression.h"
#include "shopstream/shell/v1/pages.rpc.h"

struct web;
struct log_context;

/* folder: of "frontend" and "pictures". ERR_NO_MEMORY alone; what is wrong with the files is logged. */
int web_new(struct web **ret_web, const char *folder, const struct log_context *log);
void web_free(struct web *web);

/* Whether there are scripts and styles to show pages with. */
bool web_is_built(const struct web *web);

/* The classic script that renders pages (server/render.js); empty when it is not there. */
struct str web_render_script(const struct web *web);

/* Addresses that a page's head names; each list has its count. */
struct web_list {
    const struct str *items;
    size_t count;
};

/* Of the app "shell": every page has them. The early ones run before anything is drawn. */
struct web_list web_early_scripts(const struct web *web);
struct web_list web_scripts(const struct web *web);
struct web_list web_styles(const struct web *web);

/* What a page of this kind will need besides, so that it is fetched early. */
struct web_list web_preloads(const struct web *web, const char *kind);

/* -- Files --------------------------------------------------------------------------------------------------------- */

#define WEB_FORMS (CODING_COUNT + 1) /* by enum content_coding; that of CODING_NONE is the file as it is */

struct web_asset {
    struct str path; /* "/assets/shell/main.1a2b.js" */
    const char *type;
    struct http_blob *blobs[WEB_FORMS]; /* NULL where that form is not there */
    _Atomic uint64_t hashes[WEB_FORMS]; /* 0 until it is asked for */
};

/* NULL when there is none of that path ("/assets/shell/main.1a2b.js"). */
struct web_asset *web_find_asset(const struct web *web, struct str path);

/* Of the bytes of that form, which is there. */
uint64_t web_asset_hash(struct web_asset *asset, enum content_coding form);

/* The descriptor of the folder of pictures; -1 without one. */
int web_pictures(const struct web *web);

/* The media type of a file by its name's end; NULL for one that is not served. */
const char *web_media_type(struct str name);

/* Letters, digits, dashes, underscores and dots, and no dot at the beginning: no such name leaves its folder. */
bool web_is_name(struct str name);

/* The pictures that stand for a product's image_url; NULL for one without, or whose pictures cannot be read, which is
 * logged. Never changed or freed by who gets it. */
Pages__Gallery *web_find_gallery(struct web *web, struct str image_url);
