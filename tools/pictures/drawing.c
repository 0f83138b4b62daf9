/* Colours, chance, and the SVG document. */
#include "tools/pictures/drawing.h"

#include "tools/pictures/forms.h"

#include "platform/base/err.h"

#include <math.h>

#define SVG_BYTES_MAX ((size_t)512 << 10)

/* -- Colour --------------------------------------------------------------------------------------------------------*/

struct colour colour_of(uint32_t rgb)
{
    return (struct colour){(double)(rgb >> 16 & 255), (double)(rgb >> 8 & 255), (double)(rgb & 255)};
}

struct colour colour_mix(struct colour a, struct colour b, double share_of_b)
{
    return (struct colour){a.red + (b.red - a.red) * share_of_b, a.green + (b.green - a.green) * share_of_b,
                           a.blue + (b.blue - a.blue) * share_of_b};
}

struct colour colour_lighter(struct colour colour, double share)
{
    return colour_mix(colour, colour_of(0xfffaf2), share);
}

struct colour colour_darker(struct colour colour, double share)
{
    return colour_mix(colour, colour_of(0x1a120d), share);
}

double colour_luma(struct colour colour)
{
    return (0.299 * colour.red + 0.587 * colour.green + 0.114 * colour.blue) / 255;
}

static unsigned channel(double value)
{
    return (unsigned)lround(fmin(fmax(value, 0), 255));
}

const char *hex(struct drawing *d, struct colour colour)
{
    return path(d, "#%02x%02x%02x", channel(colour.red), channel(colour.green), channel(colour.blue));
}

/* -- Chance --------------------------------------------------------------------------------------------------------*/

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
double chance(struct drawing *d, double from, double to)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return from + (to - from) * (double)(z >> 40) / (double)(1 << 24);
}

/* -- The document --------------------------------------------------------------------------------------------------*/

void drawing_init(struct drawing *d, struct arena *arena, uint64_t seed)
{
    *d = (struct drawing){.arena = arena,
                          .defs = BUF(SVG_BYTES_MAX),
                          .body = BUF(SVG_BYTES_MAX),
                          .state = seed,
                          .view = {0, 0, CANVAS, CANVAS}};
}

void drawing_free(struct drawing *d)
{
    buf_free(&d->defs);
    buf_free(&d->body);
}

__attribute__((format(printf, 3, 0))) static void append(struct drawing *d, struct buf *buf, const char *format,
                                                         va_list arguments)
{
    const char *text = arena_vprintf(d->arena, format, arguments);

    if (text)
        buf_append_cstr(buf, text);
    else
        buf->error = ERR_NO_MEMORY;
}

void svg(struct drawing *d, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(d, &d->body, format, arguments);
    va_end(arguments);
}

void svg_define(struct drawing *d, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    append(d, &d->defs, format, arguments);
    va_end(arguments);
}

const char *path(struct drawing *d, const char *format, ...)
{
    va_list arguments;
    const char *text;

    va_start(arguments, format);
    text = arena_vprintf(d->arena, format, arguments);
    va_end(arguments);
    if (!text)
        d->body.error = ERR_NO_MEMORY;
    return text ? text : "";
}

int drawing_finish(struct drawing *d, int width, int height, struct buf *ret_svg)
{
    buf_printf(ret_svg,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"%.1f %.1f %.1f %.1f\">"
               "<defs>%s",
               width, height, d->view[0], d->view[1], d->view[2], d->view[3], forms_svg);
    buf_append(ret_svg, buf_str(&d->defs));
    buf_append_cstr(ret_svg, "</defs>");
    buf_append(ret_svg, buf_str(&d->body));
    buf_append_cstr(ret_svg, "</svg>");
    if (buf_error(&d->defs) || buf_error(&d->body))
        return buf_error(&d->defs) ? buf_error(&d->defs) : buf_error(&d->body);
    return buf_error(ret_svg);
}
