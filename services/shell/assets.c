/* Scripts and styles from memory, pictures from their folder. */
#include "platform/base/descriptor.h"
#include "platform/base/hash.h"
#include "services/shell/page.h"
#include "services/shell/web.h"
#include "services/shell/web_internal.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define PICTURE_BYTES_MAX ((size_t)8 << 20)
#define FOR_A_YEAR "public, max-age=31536000, immutable"
#define FOR_A_WEEK "public, max-age=604800"
#define FOR_AN_HOUR "public, max-age=3600"
#define HASH_LENGTH_MIN 4

static int refuse(struct call *call)
{
    return call_fail(call, ERR_NOT_FOUND, "no_such_file", NULL, "There is no such file.");
}

/* "main.1a2b3c.js": another content has another name. */
static bool has_hash(struct str path)
{
    struct str part;
    bool is_first = true;

    while (str_next_token(&path, '.', &part)) {
        bool has_digit = false;

        for (size_t i = 0; i < part.len; i++)
            has_digit |= part.ptr[i] >= '0' && part.ptr[i] <= '9';
        if (!is_first && path.ptr && has_digit && part.len >= HASH_LENGTH_MIN)
            return true;
        is_first = false;
    }
    return false;
}

static int answer_asset(struct call *call, const struct http_request *request, struct web_asset *asset,
                        struct http_response *response)
{
    if (!asset || !asset->blobs[CODING_NONE])
        return refuse(call);
    unsigned available = 0;
    for (unsigned coding = 0; coding < CODING_COUNT; coding++)
        available |= asset->blobs[coding] ? 1u << coding : 0;
    enum content_coding form = content_coding_choose(http_header_find(request, "accept-encoding"), available);
    TRY(call_answer(call, response, asset->type, has_hash(asset->path) ? FOR_A_YEAR : FOR_AN_HOUR, STR_EMPTY));
    if (form != CODING_NONE)
        http_response_header(response, STR("Content-Encoding"), content_coding_name(form));
    http_response_header(response, STR("Vary"), STR("Accept-Encoding"));
    http_response_header(response, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
    response->blob = http_blob_ref(asset->blobs[form]);
    call_set_etag(call, web_asset_hash(asset, form));
    return 0;
}

int show_asset(struct call *call, const struct http_request *request, struct http_response *response)
{
    const struct shell_state *shell = call->state;

    return answer_asset(call, request, web_find_asset(shell->web, request->path), response);
}

int show_favicon(struct call *call, const struct http_request *request, struct http_response *response)
{
    const struct shell_state *shell = call->state;
    struct web_asset *icon = web_find_asset(shell->web, STR("/assets/shell/favicon.ico"));

    return answer_asset(call, request, icon ? icon : web_find_asset(shell->web, STR("/assets/shell/favicon.svg")),
                        response);
}

/* -- Pictures ------------------------------------------------------------------------------------------------------ */

static const struct hash_key etag_key = {{0, 0}};

static int read_picture(struct call *call, int folder, const char *name, struct http_response *response)
{
    CLEANUP(buf_free) struct buf bytes = BUF(PICTURE_BYTES_MAX * 2);
    int result = web_read_file(folder, name, PICTURE_BYTES_MAX, &bytes);

    if (result == ERR_NOT_FOUND)
        return refuse(call);
    TRY(result);
    call_set_etag(call, hash_keyed(&etag_key, buf_str(&bytes)));
    response->blob = http_blob_new(buf_str(&bytes));
    return response->blob ? 0 : ERR_NO_MEMORY;
}

/* "/pictures/alder-kettle-640.webp": the name is the file's own, so nothing in it is decoded. */
int show_picture(struct call *call, const struct http_request *request, struct http_response *response)
{
    const struct shell_state *shell = call->state;
    struct str name = str_skip(request->path, sizeof("/pictures/") - 1);
    const char *type = web_media_type(name);

    if (!web_is_name(name) || !type || !str_starts_with(str_from_cstr(type), STR("image/")) ||
        web_pictures(shell->web) < 0)
        return refuse(call);
    char *file = arena_cstr(call->arena, name);
    if (!file)
        return ERR_NO_MEMORY;
    TRY(read_picture(call, web_pictures(shell->web), file, response));
    TRY(call_answer(call, response, type, FOR_A_WEEK, STR_EMPTY));
    http_response_header(response, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
    return 0;
}
