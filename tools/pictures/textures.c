/* Textures: patterns of translucent dark and light marks that lie over a surface's own colour. No tile is small, also
 * where a loom repeats each thread: the renderer's time for a pixel grows with how many tiles lie before it. */
#include "tools/pictures/drawing.h"

#include <math.h>

#define DARK "#1c0f06"
#define LIGHT "#fff8ea"

static void mark(struct drawing *d, const char *colour, double strength, double width, const char *data)
{
    svg_define(d, "<path d='%s' stroke='%s' stroke-opacity='%.2f' stroke-width='%.1f' fill='none'/>", data, colour,
               strength, width);
}

static void dots(struct drawing *d, const char *colour, size_t count, double size, double tile, double strength)
{
    const char *data = "";

    for (size_t i = 0; i < count; i++) {
        double r = chance(d, size * .4, size);

        data = path(d, "%sM%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0Z", data, chance(d, 0, tile),
                    chance(d, 0, tile), r, r * .8, 2 * r, r, r * .8, -2 * r);
    }
    svg_define(d, "<path d='%s' fill='%s' fill-opacity='%.2f'/>", data, colour, strength);
}

/* Growth rings cut lengthwise: lines that keep their distance and lean around a heart or two. */
static void wood(struct drawing *d)
{
    double heart = chance(d, 120, 420), at = chance(d, 200, 900), reach = chance(d, 30, 70);

    for (double y = -40; y < 640;) {
        double near = exp(-pow((y - heart) / 130, 2)), bend = (y < heart ? -1 : 1) * reach * near;

        mark(d, chance(d, 0, 1) < .16 ? LIGHT : DARK, chance(d, .05, .20), chance(d, 1, 4.5),
             path(d, "M0 %.1fC%.1f %.1f %.1f %.1f %.1f %.1fS%.1f %.1f 1400 %.1f", y, at * .4, y + chance(d, -5, 5),
                  at * .7, y + bend, at, y + bend, at + 300, y + chance(d, -6, 6), y));
        y += chance(d, 5, 21);
    }
    for (size_t i = 0; i < 90; i++) {
        double x = chance(d, 0, 1400), y = chance(d, 0, 600);

        mark(d, DARK, .16, 1.3, path(d, "M%.1f %.1fh%.1f", x, y, chance(d, 12, 46)));
    }
}

static void brushed(struct drawing *d)
{
    for (size_t i = 0; i < 70; i++) {
        double x = chance(d, -60, 500), y = chance(d, 0, 120);

        mark(d, i % 2 ? LIGHT : DARK, chance(d, .05, .14), chance(d, .6, 1.6),
             path(d, "M%.1f %.1fh%.1f", x, y, chance(d, 80, 380)));
    }
}

/* Lines over a tile at every step, the first at from; broken into dashes where on is not 0. */
static void threads(struct drawing *d, const char *colour, double strength, double width, bool upright, double tile,
                    double step, double from, double on, double off, double offset)
{
    const char *data = "";

    for (double at = from; at < tile; at += step)
        data = upright ? path(d, "%sM%.1f 0V%.0f", data, at, tile) : path(d, "%sM0 %.1fH%.0f", data, at, tile);
    svg_define(d, "<path d='%s' stroke='%s' stroke-opacity='%.2f' stroke-width='%.1f' fill='none'", data, colour,
               strength, width);
    if (on > 0)
        svg_define(d, " stroke-dasharray='%.1f %.1f' stroke-dashoffset='%.1f'", on, off, offset);
    svg_define(d, "/>");
}

/* Over one, under one. */
static void weave(struct drawing *d, double size, double strength)
{
    double half = size / 2, tile = 240;

    for (int upright = 0; upright < 2; upright++) {
        threads(d, DARK, strength, size * .16, upright, tile, size, half, half, half, 0);
        threads(d, DARK, strength, size * .16, upright, tile, size, size - .1, half, half, half);
    }
    threads(d, LIGHT, strength * .8, size * .2, false, tile, size, half * .5, half * .8, half * 1.2, -half * .1);
    threads(d, LIGHT, strength * .8, size * .2, false, tile, size, half * 1.5, half * .8, half * 1.2, half * .9);
}

static void linen(struct drawing *d)
{
    for (size_t i = 0; i < 110; i++) {
        double at = (double)i * 360 / 110, from = chance(d, 0, 300), length = chance(d, 30, 200);

        mark(d, i % 3 ? DARK : LIGHT, chance(d, .05, .15), chance(d, .8, 2), path(d, "M%.1f 0V360", at));
        mark(d, i % 3 ? DARK : LIGHT, chance(d, .05, .15), chance(d, .8, 2), path(d, "M0 %.1fH360", at));
        if (i % 4 == 0)
            mark(d, i % 8 ? LIGHT : DARK, .20, 2.2, path(d, "M%.1f %.1fh%.1f", from, chance(d, 0, 360), length));
    }
}

/* Stitches of 19 by 14: rows of V. */
static void knit(struct drawing *d)
{
    const char *row = "", *dark = "", *light = "";

    for (int i = 0; i < 12; i++)
        row = path(d, "%sl9.500 9l9.500-9", row);
    for (int i = -1; i < 16; i++) {
        dark = path(d, "%sM0 %d%s", dark, i * 14, row);
        light = path(d, "%sM0 %d%s", light, i * 14 + 5, row);
    }
    mark(d, DARK, .30, 2.6, dark);
    mark(d, LIGHT, .18, 3, light);
    threads(d, DARK, .14, 1.6, true, 228, 19, 0, 0, 0, 0);
}

static void terry(struct drawing *d)
{
    for (size_t i = 0; i < 420; i++) {
        double x = chance(d, 0, 160), y = chance(d, 0, 160), r = chance(d, 2, 4);

        mark(d, i % 2 ? LIGHT : DARK, chance(d, .10, .26), 1.6,
             path(d, "M%.1f %.1fa%.1f %.1f 0 0 1 %.1f 0", x, y, r, r, 2 * r));
    }
}

static void waffle(struct drawing *d)
{
    const char *pits = "";

    for (int i = 0; i < 64; i++)
        pits = path(d, "%sM%d %dh15v15h-15Z", pits, i % 8 * 30 + 8, i / 8 * 30 + 8);
    svg_define(d, "<path d='%s' fill='" DARK "' fill-opacity='.20'/>", pits);
    for (int upright = 0; upright < 2; upright++) {
        threads(d, LIGHT, .20, 4, upright, 240, 30, 2, 0, 0, 0);
        threads(d, DARK, .22, 3, upright, 240, 30, 27, 0, 0, 0);
    }
}

static void felt(struct drawing *d)
{
    for (size_t i = 0; i < 520; i++) {
        double x = chance(d, 0, 240), y = chance(d, 0, 240);

        mark(d, i % 2 ? LIGHT : DARK, chance(d, .06, .20), chance(d, .7, 1.4),
             path(d, "M%.1f %.1fq%.1f %.1f %.1f %.1f", x, y, chance(d, -9, 9), chance(d, -9, 9), chance(d, -14, 14),
                  chance(d, -14, 14)));
    }
}

static void leather(struct drawing *d)
{
    for (size_t i = 0; i < 520; i++) {
        double x = chance(d, 0, 220), y = chance(d, 0, 220), r = chance(d, 2.5, 6);

        mark(d, i % 3 ? DARK : LIGHT, chance(d, .06, .17), chance(d, .8, 1.5),
             path(d, "M%.1f %.1fq%.1f %.1f %.1f %.1f", x, y, r, chance(d, -r, r), chance(d, r * .6, r * 1.6),
                  chance(d, -r, r)));
    }
    dots(d, DARK, 60, 1.5, 220, .14);
}

static void cork(struct drawing *d)
{
    dots(d, DARK, 150, 6, 260, .13);
    dots(d, "#5a2f12", 90, 4, 260, .34);
    dots(d, LIGHT, 130, 6, 260, .22);
    dots(d, DARK, 60, 2.2, 260, .5);
}

static void rattan(struct drawing *d)
{
    for (int odd = 0; odd < 2; odd++) {
        threads(d, DARK, .42, 8, false, 264, 22, odd * 11 + 5.5, 18, 26, odd * 22 - 24);
        threads(d, LIGHT, .30, 7, false, 264, 22, odd * 11 + 4.5, 20, 24, odd * 22 - 1);
    }
    threads(d, DARK, .45, 1.8, false, 264, 11, .5, 0, 0, 0);
    threads(d, DARK, .35, 2.6, true, 264, 22, 1, 0, 0, 0);
}

static void stone(struct drawing *d)
{
    for (size_t i = 0; i < 26; i++) {
        double y = chance(d, 0, 420);

        mark(d, i % 2 ? LIGHT : DARK, chance(d, .05, .16), chance(d, 2, 12),
             path(d, "M0 %.1fC150 %.1f 300 %.1f 420 %.1f", y, y + chance(d, -16, 16), y + chance(d, -16, 16), y));
    }
    for (size_t i = 0; i < 70; i++) {
        double x = chance(d, 0, 420), y = chance(d, 0, 420);

        mark(d, DARK, chance(d, .2, .42), chance(d, 1.5, 4), path(d, "M%.1f %.1fh%.1f", x, y, chance(d, 2, 22)));
    }
}

static void marble(struct drawing *d)
{
    for (size_t i = 0; i < 16; i++) {
        double x = chance(d, -200, 700), step = chance(d, 60, 160);

        mark(d, "#5b6066", chance(d, .10, .42), chance(d, 1, i % 4 ? 3 : 9),
             path(d, "M%.1f 0q%.1f %.1f %.1f %.1ft%.1f %.1ft%.1f %.1f", x, step * .2, step * .9, step, step * 1.2,
                  step * .7, step, step, step * 1.6));
    }
}

static void damascus(struct drawing *d)
{
    for (double y = -20; y < 220; y += 6.5)
        mark(d, fmod(y, 13) < 6 ? LIGHT : DARK, chance(d, .16, .40), chance(d, 1.2, 3.4),
             path(d, "M0 %.1fq30 %.1f 60 0t60 %.1ft60 0t60 %.1ft60 0t60 %.1ft60 0t60 0", y, chance(d, -22, 22),
                  chance(d, -7, 7), chance(d, -7, 7), chance(d, -5, 5)));
}

static void bamboo(struct drawing *d)
{
    for (double y = 0; y < 300; y += 30) {
        svg_define(d, "<path d='M0 %.1fH900v30H0Z' fill='%s' fill-opacity='%.2f'/>", y,
                   chance(d, 0, 1) < .5 ? LIGHT : DARK, chance(d, .02, .13));
        for (int i = 0; i < 5; i++)
            mark(d, DARK, chance(d, .05, .14), 1.2, path(d, "M0 %.1fH900", y + chance(d, 2, 28)));
        mark(d, DARK, .34, 3, path(d, "M%.1f %.1fv28", chance(d, 40, 860), y + 1));
        mark(d, DARK, .22, 1.5, path(d, "M0 %.1fH900", y));
    }
}

static void ripstop(struct drawing *d)
{
    for (int upright = 0; upright < 2; upright++) {
        threads(d, DARK, .10, 1, upright, 240, 5, 2, 0, 0, 0);
        threads(d, LIGHT, .18, 1.6, upright, 240, 40, 1, 0, 0, 0);
        threads(d, DARK, .14, 1.4, upright, 240, 40, 3, 0, 0, 0);
    }
}

static void twill(struct drawing *d)
{
    const char *dark = "", *light = "";

    for (int x = -240; x < 240; x += 8) {
        dark = path(d, "%sM%d 240l240-240", dark, x);
        light = path(d, "%sM%d 240l240-240", light, x + 4);
    }
    mark(d, LIGHT, .16, 2, light);
    mark(d, DARK, .26, 2, dark);
}

static void speckle(struct drawing *d)
{
    dots(d, "#3a2415", 64, 2.6, 300, .55);
    dots(d, "#3a2415", 90, 1.4, 300, .40);
    dots(d, LIGHT, 40, 1.6, 300, .5);
}

static void grain(struct drawing *d)
{
    dots(d, DARK, 260, 1.6, 200, .16);
    dots(d, LIGHT, 260, 1.6, 200, .16);
    dots(d, DARK, 16, 2.6, 200, .22);
}

static void draw_texture(struct drawing *d, enum texture texture)
{
    static void (*const makers[TEXTURE_COUNT])(struct drawing *) = {
        [TEXTURE_WOOD] = wood,     [TEXTURE_SPECKLE] = speckle,   [TEXTURE_BRUSHED] = brushed,
        [TEXTURE_LINEN] = linen,   [TEXTURE_TWILL] = twill,       [TEXTURE_KNIT] = knit,
        [TEXTURE_TERRY] = terry,   [TEXTURE_WAFFLE] = waffle,     [TEXTURE_RIPSTOP] = ripstop,
        [TEXTURE_FELT] = felt,     [TEXTURE_LEATHER] = leather,   [TEXTURE_CORK] = cork,
        [TEXTURE_RATTAN] = rattan, [TEXTURE_STONE] = stone,       [TEXTURE_MARBLE] = marble,
        [TEXTURE_GRAIN] = grain,   [TEXTURE_DAMASCUS] = damascus, [TEXTURE_BAMBOO] = bamboo,
    };

    if (texture == TEXTURE_WEAVE)
        weave(d, 8, .13);
    else if (texture == TEXTURE_FABRIC)
        weave(d, 12, .22);
    else
        makers[texture](d);
}

const char *texture_fill(struct drawing *d, const struct surface *surface, bool upright)
{
    static const double sizes[TEXTURE_COUNT][2] = {
        [TEXTURE_WOOD] = {1400, 600},   [TEXTURE_SPECKLE] = {300, 300}, [TEXTURE_BRUSHED] = {440, 120},
        [TEXTURE_WEAVE] = {240, 240},   [TEXTURE_LINEN] = {360, 360},   [TEXTURE_TWILL] = {240, 240},
        [TEXTURE_KNIT] = {228, 224},    [TEXTURE_TERRY] = {160, 160},   [TEXTURE_WAFFLE] = {240, 240},
        [TEXTURE_RIPSTOP] = {240, 240}, [TEXTURE_FELT] = {240, 240},    [TEXTURE_LEATHER] = {220, 220},
        [TEXTURE_CORK] = {260, 260},    [TEXTURE_RATTAN] = {264, 264},  [TEXTURE_STONE] = {420, 420},
        [TEXTURE_MARBLE] = {700, 500},  [TEXTURE_GRAIN] = {200, 200},   [TEXTURE_DAMASCUS] = {480, 200},
        [TEXTURE_BAMBOO] = {900, 300},  [TEXTURE_FABRIC] = {240, 240},
    };
    enum texture texture = surface->texture;

    if (texture == TEXTURE_NONE)
        return NULL;
    if (!d->has_texture[texture][upright]) {
        d->has_texture[texture][upright] = true;
        svg_define(d, "<pattern id='p%d%d' patternUnits='userSpaceOnUse' width='%.0f' height='%.0f'%s>", (int)texture,
                   upright, sizes[texture][0], sizes[texture][1], upright ? " patternTransform='rotate(90)'" : "");
        draw_texture(d, texture);
        svg_define(d, "</pattern>");
    }
    return path(d, "p%d%d", (int)texture, upright);
}
