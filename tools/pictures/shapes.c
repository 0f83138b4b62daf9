/* Paths of bodies. */
#include "tools/pictures/drawing.h"

#include <math.h>

const char *ellipse(struct drawing *d, double x, double y, double radius_x, double radius_y)
{
    return path(d, "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0Z", x - radius_x, y, radius_x, radius_y,
                2 * radius_x, radius_x, radius_y, -2 * radius_x);
}

const char *round_rect(struct drawing *d, double x, double y, double width, double height, double radius)
{
    double r = fmin(radius, fmin(width, height) / 2), h = width - 2 * r, v = height - 2 * r;

    return path(
        d,
        "M%.1f %.1fh%.1fa%.1f %.1f 0 0 1 %.1f %.1fv%.1fa%.1f %.1f 0 0 1 %.1f %.1fh%.1fa%.1f %.1f 0 0 1 %.1f %.1f"
        "v%.1fa%.1f %.1f 0 0 1 %.1f %.1fZ",
        x + r, y, h, r, r, r, r, v, r, r, -r, r, -h, r, r, -r, -r, -v, r, r, r, -r);
}

const char *round_polygon(struct drawing *d, const double *points, size_t count, double radius)
{
    const char *data = "";

    for (size_t i = 0; i < count; i++) {
        const double *before = points + 2 * ((i + count - 1) % count), *at = points + 2 * i;
        const double *after = points + 2 * ((i + 1) % count);
        double in = hypot(at[0] - before[0], at[1] - before[1]), out = hypot(after[0] - at[0], after[1] - at[1]);
        double a = fmin(radius, in / 2) / in, b = fmin(radius, out / 2) / out;

        data = path(d, "%s%c%.1f %.1fQ%.1f %.1f %.1f %.1f", data, i ? 'L' : 'M', at[0] + (before[0] - at[0]) * a,
                    at[1] + (before[1] - at[1]) * a, at[0], at[1], at[0] + (after[0] - at[0]) * b,
                    at[1] + (after[1] - at[1]) * b);
    }
    return path(d, "%sZ", data);
}

/* One side of a turned body as curves (Catmull and Rom's spline: a tangent is a sixth of the way between the
 * neighbours), from the point where the path is to the last: down the left, or up the right. */
static const char *turned_side(struct drawing *d, double x, const struct turn *t, size_t count, bool up)
{
    const char *data = "";
    double side = up ? 1 : -1;

    for (size_t step = 0; step + 1 < count; step++) {
        size_t i = up ? count - 1 - step : step, next = up ? i - 1 : i + 1;
        const struct turn *b = &t[i], *c = &t[next];
        bool first = step == 0 || b->corner, last = step + 2 == count || c->corner;
        const struct turn *a = first ? b : &t[up ? i + 1 : i - 1], *e = last ? c : &t[up ? next - 1 : next + 1];

        data = path(d, "%sC%.1f %.1f %.1f %.1f %.1f %.1f", data, x + side * (b->radius + (c->radius - a->radius) / 6),
                    b->y + (c->y - a->y) / 6, x + side * (c->radius - (e->radius - b->radius) / 6),
                    c->y - (e->y - b->y) / 6, x + side * c->radius, c->y);
    }
    return data;
}

const char *turned(struct drawing *d, double x, const struct turn *outline, size_t count, double tilt)
{
    const struct turn *rim = outline, *foot = outline + count - 1;

    return path(d, "M%.1f %.1f%sA%.1f %.1f 0 0 0 %.1f %.1f%sA%.1f %.1f 0 0 0 %.1f %.1fZ", x - rim->radius, rim->y,
                turned_side(d, x, outline, count, false), foot->radius, foot->radius * tilt, x + foot->radius, foot->y,
                turned_side(d, x, outline, count, true), rim->radius, rim->radius * tilt, x - rim->radius, rim->y);
}

void opening(struct drawing *d, const struct surface *surface, double x, double y, double radius, double tilt,
             double thickness)
{
    double inner = radius - thickness, inner_y = radius * tilt - thickness * (tilt * .7 + .12);
    struct surface lip = *surface;

    lip.colour = colour_lighter(surface->colour, .14);
    paint(d, &lip, FORM_FLAT, ellipse(d, x, y, radius, radius * tilt));
    paint(d, surface, FORM_INSIDE, ellipse(d, x, y, inner, inner_y));
    light_line(d, 2, .5, path(d, "M%.1f %.1fa%.1f %.1f 0 0 0 %.1f 0", x - inner, y, inner, inner_y, 2 * inner));
}

void turn_around(struct drawing *d, double degrees)
{
    svg(d, "<g transform='rotate(%.1f 600 600)'>", degrees);
}
