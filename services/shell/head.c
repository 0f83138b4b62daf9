#include "services/shell/head.h"

#include "platform/base/encode.h"
#include "services/shell/web.h"

#define IMAGE_URL_BYTES_MAX 4096

/* -- Tags ---------------------------------------------------------------------------------------------------------- */

static void write_tag(struct buf *buf, const char *before, struct str value)
{
    if (!value.len)
        return;
    buf_append_cstr(buf, before);
    encode_html(buf, value);
    buf_append(buf, STR("\">\n"));
}

/* <meta property="og:url" content="https://shop.example/…"> */
static void write_address(struct buf *buf, const char *before, const char *url, const char *path)
{
    if (!path)
        return;
    buf_append_cstr(buf, before);
    encode_html(buf, str_from_cstr(url));
    encode_html(buf, str_from_cstr(path));
    buf_append(buf, STR("\">\n"));
}

static const struct str *find_format(const Pages__Picture *picture)
{
    static const struct str known[] = {{"jpg", 3}, {"png", 3}, {"webp", 4}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        for (size_t j = 0; j < picture->n_formats; j++) {
            if (str_equal_cstr(known[i], picture->formats[j]))
                return &known[i];
        }
    }
    return NULL;
}

bool head_write_image(const struct shell_state *shell, const Pages__Page *document, const char *image_url,
                      struct buf *buf)
{
    const Pages__Gallery *gallery = image_url ? web_find_gallery(shell->web, str_from_cstr(image_url)) : NULL;
    const Pages__Picture *picture = gallery && gallery->n_pictures > 0 ? gallery->pictures[0] : NULL;
    const struct str *format = picture && picture->src && picture->n_widths > 0 ? find_format(picture) : NULL;

    if (format) {
        buf_append_cstr(buf, document->site->url);
        buf_append_cstr(buf, picture->src);
        buf_printf(buf, "-%d.%.*s", (int)picture->widths[picture->n_widths - 1], STR_FORMAT(*format));
        return true;
    }
    if (!image_url || !str_starts_with(str_from_cstr(image_url), STR("https://")))
        return false;
    buf_append_cstr(buf, image_url);
    return true;
}

static void write_image(const struct shell_state *shell, const Pages__Page *document, struct buf *buf)
{
    CLEANUP(buf_free) struct buf image = BUF(IMAGE_URL_BYTES_MAX);

    if (!head_write_image(shell, document, document->meta->image, &image) || buf_error(&image))
        return;
    write_tag(buf, "<meta property=\"og:image\" content=\"", buf_str(&image));
    buf_append(buf, STR("<meta name=\"twitter:card\" content=\"summary_large_image\">\n"));
}

static void write_meta(const struct shell_state *shell, const Pages__Page *document, struct buf *buf)
{
    const Pages__Meta *meta = document->meta;
    const char *url = document->site->url;

    buf_append(buf, STR("<meta charset=\"utf-8\">\n<title>"));
    encode_html(buf, str_from_cstr(meta->title));
    buf_append(buf, STR("</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                        "<meta name=\"color-scheme\" content=\"light dark\">\n"));
    write_tag(buf, "<meta name=\"description\" content=\"", str_from_cstr(meta->description));
    if (meta->no_index)
        buf_append(buf, STR("<meta name=\"robots\" content=\"noindex\">\n"));
    write_address(buf, "<link rel=\"canonical\" href=\"", url, meta->canonical);
    write_address(buf, "<meta property=\"og:url\" content=\"", url, meta->canonical);
    write_tag(buf, "<meta property=\"og:site_name\" content=\"", str_from_cstr(document->site->name));
    write_tag(buf, "<meta property=\"og:type\" content=\"", document->product ? STR("product") : STR("website"));
    write_tag(buf, "<meta property=\"og:title\" content=\"", str_from_cstr(meta->title));
    write_tag(buf, "<meta property=\"og:description\" content=\"", str_from_cstr(meta->description));
    write_image(shell, document, buf);
}

/* -- Files --------------------------------------------------------------------------------------------------------- */

/* What the browser will use it as. */
static const char *purpose_of(struct str path)
{
    const char *type = web_media_type(path);

    if (!type)
        return NULL;
    return strncmp(type, "text/javascript", 15) == 0 ? "script"
           : strncmp(type, "text/css", 8) == 0       ? "style"
           : strncmp(type, "font/", 5) == 0          ? "font"
                                                     : NULL;
}

static void write_preload(struct buf *buf, struct str path)
{
    const char *purpose = purpose_of(path);

    if (!purpose)
        return;
    buf_printf(buf, "<link rel=\"preload\" as=\"%s\" href=\"%.*s\"%s>\n", purpose, STR_FORMAT(path),
               strcmp(purpose, "font") == 0 ? " crossorigin" : "");
}

static void write_files(const struct shell_state *shell, const char *kind, struct buf *buf)
{
    struct web_list early = web_early_scripts(shell->web), styles = web_styles(shell->web);
    struct web_list scripts = web_scripts(shell->web);
    struct web_list preloads = web_preloads(shell->web, kind);

    for (size_t i = 0; i < early.count; i++)
        buf_printf(buf, "<script src=\"%.*s\"></script>\n", STR_FORMAT(early.items[i]));
    for (size_t i = 0; i < styles.count; i++)
        buf_printf(buf, "<link rel=\"stylesheet\" href=\"%.*s\">\n", STR_FORMAT(styles.items[i]));
    for (size_t i = 0; i < preloads.count; i++)
        write_preload(buf, preloads.items[i]);
    for (size_t i = 0; i < scripts.count; i++)
        buf_printf(buf, "<script defer src=\"%.*s\"></script>\n", STR_FORMAT(scripts.items[i]));
    if (web_find_asset(shell->web, STR("/assets/shell/favicon.svg")))
        buf_append(buf, STR("<link rel=\"icon\" type=\"image/svg+xml\" href=\"/assets/shell/favicon.svg\">\n"));
}

void head_write(const struct shell_state *shell, const Pages__Page *document, struct buf *buf)
{
    write_meta(shell, document, buf);
    write_files(shell, document->kind, buf);
    seo_write(shell, document, buf);
}

static void write_links(struct buf *buf, struct web_list list)
{
    for (size_t i = 0; i < list.count; i++) {
        const char *purpose = purpose_of(list.items[i]);

        if (purpose)
            buf_printf(buf, "%s<%.*s>; rel=preload; as=%s%s", buf->len ? ", " : "", STR_FORMAT(list.items[i]), purpose,
                       strcmp(purpose, "font") == 0 ? "; crossorigin" : "");
    }
}

void head_write_links(const struct shell_state *shell, const char *kind, struct buf *buf)
{
    write_links(buf, web_early_scripts(shell->web));
    write_links(buf, web_styles(shell->web));
    write_links(buf, web_scripts(shell->web));
    write_links(buf, web_preloads(shell->web, kind));
}
