/* SVG to files, by libvips: rendered once at the largest width and shrunk from there. */
#include "tools/pictures/pictures.h"

#include "platform/base/encode.h"
#include "platform/base/err.h"

#include <stdio.h>
#include <vips/vips.h>

#define PLACEHOLDER_PX 16
#define PLACEHOLDER_BYTES_MAX 2048
#define WEBP_QUALITY 78
#define WEBP_EFFORT 2
#define WEBP_EFFORT_LARGE 1
#define JPEG_QUALITY 80
#define AVIF_QUALITY 58
#define AVIF_EFFORT 1

static void unref_image(VipsImage **image)
{
    if (*image)
        g_object_unref(*image);
}

static void free_blob(void **blob)
{
    g_free(*blob);
}

static int fail(const char *what, const struct picture *picture)
{
    fprintf(stderr, "draw_pictures: %s: %s: %s\n", picture->name, what, vips_error_buffer());
    vips_error_clear();
    return ERR_INTERNAL;
}

static int rasterise(const struct picture *picture, struct str svg_text, VipsImage **ret_image)
{
    CLEANUP(unref_image) VipsImage *drawn = NULL;
    CLEANUP(unref_image) VipsImage *opaque = NULL;

    /* svg_text outlives the image: vips reads from it when pixels are asked for. The ground of each drawing covers all
     * of it, so that nothing shows through: what says how much does can be left out, without a look at each pixel. */
    if (vips_svgload_buffer((void *)svg_text.ptr, svg_text.len, &drawn, NULL))
        return fail("the drawing is not well formed", picture);
    if (vips_image_get_width(drawn) != picture->width || vips_image_get_height(drawn) != picture->height ||
        vips_extract_band(drawn, &opaque, 0, "n", 3, NULL))
        return fail("cannot render", picture);
    *ret_image = vips_image_copy_memory(opaque);
    return *ret_image ? 0 : fail("cannot render", picture);
}

static int save(VipsImage *image, const char *format, const char *file)
{
    if (strcmp(format, "webp") == 0)
        return vips_webpsave(image, file, "Q", WEBP_QUALITY, "effort",
                             vips_image_get_width(image) > 640 ? WEBP_EFFORT_LARGE : WEBP_EFFORT, "strip", TRUE, NULL);
    if (strcmp(format, "avif") == 0)
        return vips_heifsave(image, file, "Q", AVIF_QUALITY, "effort", AVIF_EFFORT, "compression",
                             VIPS_FOREIGN_HEIF_COMPRESSION_AV1, NULL);
    return vips_jpegsave(image, file, "Q", JPEG_QUALITY, "strip", TRUE, "optimize_coding", FALSE, "interlace", FALSE,
                         NULL);
}

void picture_path(char *ret_path, const struct picture *picture, int width, const char *folder, const char *format)
{
    snprintf(ret_path, PICTURE_PATH_BYTES_MAX, "%s/%s-%d.%s", folder, picture->name, width, format);
}

static int save_width(const struct picture *picture, VipsImage *full, int width, const struct target *target)
{
    CLEANUP(unref_image) VipsImage *shrunk = NULL;
    CLEANUP(unref_image) VipsImage *pixels = NULL;
    char file[PICTURE_PATH_BYTES_MAX];
    double factor = (double)picture->width / width;

    if (vips_shrink(full, &shrunk, factor, factor, NULL))
        return fail("cannot shrink", picture);
    pixels = vips_image_copy_memory(shrunk);
    if (!pixels)
        return fail("cannot shrink", picture);
    for (size_t i = 0; i < target->format_count; i++) {
        picture_path(file, picture, width, target->folder, target->formats[i]);
        if (save(pixels, target->formats[i], file))
            return fail("cannot write", picture);
    }
    return 0;
}

/* Cuts a WebP file down to its picture: libvips adds an EXIF block, which is longer than so small a picture (RFC 9649).
 */
static struct str only_bitstream(char *bytes, size_t size)
{
    for (size_t at = 12; at + 8 < size;) {
        unsigned char *chunk = (unsigned char *)bytes + at;
        size_t length = 8 + (chunk[4] | (size_t)chunk[5] << 8 | (size_t)chunk[6] << 16);

        if (memcmp(chunk, "VP8 ", 4) == 0 && length + length % 2 <= size - at) {
            size_t riff = 4 + length + length % 2;

            memmove(bytes + 12, chunk, length + length % 2);
            bytes[4] = (char)(riff & 255);
            bytes[5] = (char)(riff >> 8 & 255);
            bytes[6] = bytes[7] = 0;
            return str_from(bytes, 8 + riff);
        }
        at += length + length % 2;
    }
    return str_from(bytes, size);
}

static int make_placeholder(struct arena *arena, const struct picture *picture, VipsImage *full,
                            const char **ret_placeholder)
{
    CLEANUP(unref_image) VipsImage *tiny = NULL;
    CLEANUP(free_blob) void *bytes = NULL;
    char text[ENCODE_BASE64_SIZE(PLACEHOLDER_BYTES_MAX)];
    struct str bare;
    size_t size = 0;

    if (vips_resize(full, &tiny, (double)PLACEHOLDER_PX / picture->width, NULL) ||
        vips_webpsave_buffer(tiny, &bytes, &size, "Q", 45, "effort", WEBP_EFFORT, "strip", TRUE, NULL) ||
        size > PLACEHOLDER_BYTES_MAX)
        return fail("cannot make its placeholder", picture);
    bare = only_bitstream(bytes, size);
    encode_base64_into(text, bare);
    *ret_placeholder = arena_printf(arena, "data:image/webp;base64,%.*s", (int)ENCODE_BASE64_SIZE(bare.len), text);
    return *ret_placeholder ? 0 : ERR_NO_MEMORY;
}

int picture_render(struct arena *arena, const struct picture *picture, struct str svg_text, const struct target *target,
                   const char **ret_placeholder)
{
    CLEANUP(unref_image) VipsImage *full = NULL;

    TRY(rasterise(picture, svg_text, &full));
    for (size_t i = 0; i < picture->width_count; i++)
        TRY(save_width(picture, full, picture->widths[i], target));
    return make_placeholder(arena, picture, full, ret_placeholder);
}
