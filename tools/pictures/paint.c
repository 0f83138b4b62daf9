/* Surfaces, light and shadow on shapes. */
#include "tools/pictures/drawing.h"

#include <math.h>

static const char form_letters[] = {
    [FORM_FLAT] = 'f',   [FORM_ROUND] = 'r', [FORM_TUBE] = 't', [FORM_BALL] = 'b',
    [FORM_INSIDE] = 'i', [FORM_SIDE] = 's',  [FORM_SOFT] = 'o',
};

void shade(struct drawing *d, enum form form, enum finish finish, const char *path_data)
{
    if (form != FORM_NONE)
        svg(d, "<path d='%s' fill='url(#%c%d)'/>", path_data, form_letters[form], (int)finish);
}

static void paint_grained(struct drawing *d, const struct surface *surface, enum form form, const char *path_data,
                          bool upright)
{
    const char *texture = texture_fill(d, surface, upright);

    svg(d, "<path d='%s' fill='%s' fill-opacity='%s'/>", path_data, hex(d, surface->colour),
        surface->clear ? ".34" : "1");
    if (texture)
        svg(d, "<path d='%s' fill='url(#%s)'/>", path_data, texture);
    shade(d, form, surface->finish, path_data);
}

void paint(struct drawing *d, const struct surface *surface, enum form form, const char *path_data)
{
    paint_grained(d, surface, form, path_data, false);
}

void paint_upright(struct drawing *d, const struct surface *surface, enum form form, const char *path_data)
{
    paint_grained(d, surface, form, path_data, true);
}

void paint_bar(struct drawing *d, const struct surface *surface, double width, const char *path_data)
{
    const struct {
        double width;
        struct colour colour;
        double shift;
        double opacity;
    } layers[] = {
        {width, colour_darker(surface->colour, .42), 0, 1},
        {width * .78, surface->colour, -width * .07, 1},
        {width * .40, colour_lighter(surface->colour, surface->finish == FINISH_MATT ? .16 : .3), -width * .13, .8},
        {width * .13, colour_of(0xfffaf0), -width * .17, surface->finish == FINISH_MATT ? .22 : .75},
    };

    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
        svg(d,
            "<path d='%s' fill='none' stroke='%s' stroke-width='%.1f' stroke-opacity='%.2f' stroke-linecap='round' "
            "stroke-linejoin='round' transform='translate(%.1f %.1f)'/>",
            path_data, hex(d, layers[i].colour), layers[i].width, layers[i].opacity, layers[i].shift, layers[i].shift);
}

static void line(struct drawing *d, const char *colour, double width, double strength, const char *path_data)
{
    svg(d,
        "<path d='%s' fill='none' stroke='%s' stroke-width='%.1f' stroke-opacity='%.2f' stroke-linecap='round' "
        "stroke-linejoin='round'/>",
        path_data, colour, width, strength);
}

void light_line(struct drawing *d, double width, double strength, const char *path_data)
{
    line(d, "#fffaf0", width, strength, path_data);
}

void dark_line(struct drawing *d, double width, double strength, const char *path_data)
{
    line(d, "#1c110a", width, strength, path_data);
}

/* -- Softness ------------------------------------------------------------------------------------------------------ */

/* A soft line as a stack of ever narrower ones: a blur filter takes ten times as long to render. */
static void soft_line(struct drawing *d, const char *colour, double width, double strength, const char *data)
{
    const int steps = 7;

    svg(d, "<g stroke='%s' stroke-opacity='%.3f'>", colour, strength * 1.25 / steps);
    for (int i = 0; i < steps; i++)
        svg(d, "<path d='%s' stroke-width='%.1f'/>", data, width * (.35 + 1.5 * (steps - i) / steps));
    svg(d, "</g>");
}

void folds(struct drawing *d, const char *within, double width, double strength, const char *dark, const char *light)
{
    unsigned id = d->next_id++;

    svg_define(d, "<clipPath id='c%u'><path d='%s'/></clipPath>", id, within);
    svg(d, "<g clip-path='url(#c%u)' fill='none' stroke-linecap='round' stroke-linejoin='round'>", id);
    soft_line(d, "#1c110a", width, strength, dark);
    soft_line(d, "#fffaf0", width, strength * .55, light);
    svg(d, "</g>");
}

/* The shadow of a path, with an edge that is soft over so many units: the mean of copies that are moved to points
 * spread evenly over a disc (Vogel: A better way to construct the sunflower head, 1979). */
static void soft_shadow(struct drawing *d, const char *data, double shift_x, double shift_y, double radius,
                        double strength)
{
    const int copies = radius > 40 ? 40 : radius > 20 ? 22 : 10;

    svg(d, "<g fill='#1c110a' fill-opacity='%.4f'>", strength * 1.12 / copies);
    for (int i = 0; i < copies; i++) {
        double r = radius * sqrt((i + .5) / copies), angle = i * 2.39996;

        svg(d, "<path d='%s' transform='translate(%.1f %.1f)'/>", data, shift_x + r * cos(angle),
            shift_y + r * sin(angle));
    }
    svg(d, "</g>");
}

/* -- Shadows -------------------------------------------------------------------------------------------------------*/

static void shadow(struct drawing *d, const char *kind, double x, double y, double radius_x, double radius_y)
{
    svg(d, "<ellipse cx='%.1f' cy='%.1f' rx='%.1f' ry='%.1f' fill='url(#%s)'/>", x, y, radius_x, radius_y, kind);
}

void cast_shadow(struct drawing *d, double x, double y, double radius_x, double radius_y)
{
    shadow(d, "cast", x, y, radius_x, radius_y);
}

void touch_shadow(struct drawing *d, double x, double y, double radius)
{
    shadow(d, "touch", x + 2, y - 2, radius * .86, radius * .26);
}

void ground_shadow(struct drawing *d, double x, double y, double radius_x, double radius_y)
{
    cast_shadow(d, x + radius_x * .42, y + radius_y * .25, radius_x * 1.75, radius_y * 1.9 + 14);
    shadow(d, "touch", x + radius_x * .03 + 3, y + 5, radius_x * 1.06 + 6, radius_y * 1.08 + 7);
}

void box_shadow(struct drawing *d, double x, double y, double half)
{
    cast_shadow(d, x + half * .14, y + 4, half * 1.3, 62);
    shadow(d, "touch", x + 4, y + 1, half * 1.03 + 4, 13);
}

void flat_shadow(struct drawing *d, const char *path_data, double height)
{
    soft_shadow(d, path_data, height * 1.1, height * 1.5, fmax(18, height * 1.3), .36);
    soft_shadow(d, path_data, height * .22 + 2, height * .3 + 4, 8, .40);
}
