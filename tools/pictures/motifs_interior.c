/* Lighting, furniture. */
#include "tools/pictures/pictures.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- Lighting ------------------------------------------------------------------------------------------------------ */

static void glow(struct drawing *d, double x, double y, double radius, double strength)
{
    svg(d, "<circle cx='%.1f' cy='%.1f' r='%.1f' fill='url(#glow)' opacity='%.2f'/>", x, y, radius, strength);
}

/* A shade of glass or cloth that is lit from inside. */
static void lit(struct drawing *d, const struct surface *surface, enum form form, const char *data)
{
    struct surface warm = *surface;

    warm.colour = colour_mix(surface->colour, colour_of(0xfff0d2), .6);
    warm.finish = FINISH_MATT;
    paint(d, &warm, form, data);
    svg(d, "<path d='%s' fill='url(#glow)'/><path d='%s' fill='#fff3da' fill-opacity='.30'/>", data, data);
}

static bool is(const struct subject *s, const char *material)
{
    return str_equal_cstr(s->material, material);
}

static void shade_of_cloth(struct drawing *d, double top, double r_top, double r, double height)
{
    struct surface linen = surface_of(STR("Linen"), STR(""));
    struct turn outline[] = {{r_top, top, true}, {r, top + height, true}};

    glow(d, 600, top + height * .6, r * 2.4, .55);
    svg(d, "<path d='%s' fill='#6b5640'/>", ellipse(d, 600, top, r_top, r_top * .12));
    lit(d, &linen, FORM_ROUND, turned(d, 600, outline, 2, -.10));
    light_line(d, 3, .5, path(d, "M%.1f %.1fa%.1f %.1f 0 0 0 %.1f 0", 600 - r, top + height - 1, r, r * .1, 2 * r));
}

static void dome(struct drawing *d, const struct surface *surface, double x, double top, double r, double height)
{
    struct turn outline[] = {{r * .14, top, false},
                             {r * .62, top + height * .18, false},
                             {r * .93, top + height * .58, false},
                             {r, top + height, true}};

    glow(d, x, top + height + 40, r * 1.9, .6);
    svg(d, "<path d='%s' fill='#fff0cf'/>", ellipse(d, x, top + height, r - 4, r * .16));
    glow(d, x, top + height, r * .8, 1);
    paint(d, surface, FORM_ROUND, turned(d, x, outline, COUNT(outline), -.15));
    light_line(d, 3, .45, path(d, "M%.1f %.1fa%.1f %.1f 0 0 0 %.1f 0", x - r, top + height - 2, r, r * .15, 2 * r));
}

static void globe(struct drawing *d, double x, double y, double r)
{
    struct surface opal = surface_of(STR("Opal Glass"), STR(""));

    glow(d, x, y, r * 2.5, .62);
    lit(d, &opal, FORM_BALL, ellipse(d, x, y, r, r));
    svg(d, "<ellipse cx='%.1f' cy='%.1f' rx='%.1f' ry='%.1f' fill='#fff' fill-opacity='.7'/>", x - r * .34, y - r * .42,
        r * .20, r * .13);
}

static void foot(struct drawing *d, const struct surface *surface, double y, double r, double height)
{
    struct turn outline[] = {{r, y, true}, {r, y + height, true}};

    ground_shadow(d, 600, y + height, r, r * .2);
    paint(d, surface, FORM_ROUND, turned(d, 600, outline, 2, .18));
    paint(d, surface, FORM_FLAT, ellipse(d, 600, y, r, r * .18));
    light_line(d, 2, .4, ellipse(d, 600, y, r - 1, r * .18));
}

static void draw_table_lamp(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 150, 180);
    struct surface block = surface_of(STR("Travertine"), STR(""));
    struct turn body[] = {{46, 560, true}, {104, 660, false}, {150, 780, false}, {118, 880, false}, {96, 900, true}};

    if (is(s, "Travertine")) {
        foot(d, &block, 760, r * .84, 130);
        paint(d, &s->accent, FORM_ROUND, "M582 720H618V764H582Z");
        globe(d, 600, 560, r * 1.05);
    } else if (is(s, "Linen")) {
        struct surface ceramic = surface_of(STR("Ceramic"), STR(""));

        ground_shadow(d, 600, 900, 118, 26);
        paint(d, &ceramic, FORM_BALL, turned(d, 600, body, COUNT(body), .2));
        paint(d, &s->accent, FORM_ROUND, "M588 500H612V566H588Z");
        shade_of_cloth(d, 300, r * 1.05, r * 1.5, 240);
    } else {
        foot(d, &s->accent, 870, r * .86, 24);
        paint(d, &s->accent, FORM_ROUND, "M589 470H611V874H589Z");
        if (is(s, "Steel"))
            dome(d, &s->accent, 600, 330, r * 1.5, 200);
        else
            globe(d, 600, 430, r * 1.1);
    }
}

static void paper_lantern(struct drawing *d, double r)
{
    struct surface paper = surface_of(STR("Paper"), STR(""));

    glow(d, 600, 620, r * 2, .6);
    lit(d, &paper, FORM_BALL, ellipse(d, 600, 620, r, r * .86));
    for (int i = -6; i <= 6; i++) {
        double y = 620 + i * r * .125, half = r * (1 - i * i * .0232) * .985;

        dark_line(d, 1.6, .16, path(d, "M%.1f %.1fQ600 %.1f %.1f %.1f", 600 - half, y, y + 26, 600 + half, y));
    }
}

static void draw_pendant(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 250, 300);
    struct turn bell[] = {{r * .16, 440, false}, {r * .5, 470, false}, {r * .96, 600, false}, {r * 1.12, 740, true}};

    dark_line(d, 5, .9, "M600 -10V420");
    if (is(s, "Paper")) {
        paper_lantern(d, r);
    } else if (is(s, "Blown Glass")) {
        glow(d, 600, 640, r * 2, .5);
        glow(d, 600, 620, 120, 1);
        svg(d, "<ellipse cx='600' cy='620' rx='40' ry='52' fill='#fff6df'/>");
        paint(
            d, &s->body, FORM_BALL,
            turned(
                d, 600,
                (struct turn[]){
                    {44, 430, true}, {r * .6, 480, false}, {r, 650, false}, {r * .82, 790, false}, {r * .5, 840, true}},
                5, .16));
        light_line(d, 3, .6, ellipse(d, 600, 840, r * .5, r * .08));
        light_line(d, 12, .4, path(d, "M%.1f 560Q%.1f 650 %.1f 740", 600 - r * .7, 600 - r * .93, 600 - r * .76));
    } else if (is(s, "Rattan")) {
        glow(d, 600, 740, r * 2, .6);
        svg(d, "<path d='%s' fill='#5a3a1c'/>", ellipse(d, 600, 740, r * 1.12, r * .17));
        glow(d, 600, 740, r, 1);
        paint(d, &s->body, FORM_ROUND, turned(d, 600, bell, COUNT(bell), -.15));
        light_line(d, 8, .3, path(d, "M%.1f 738a%.1f %.1f 0 0 0 %.1f 0", 600 - r * 1.12, r * 1.12, r * .168, r * 2.24));
    } else {
        dome(d, &s->accent, 600, 450, r * 1.1, 260);
    }
    paint(d, &s->accent, FORM_ROUND, "M576 400H624L634 470H566Z");
}

static void draw_floor_lamp(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 130, 150);
    struct surface oak = surface_of(STR("Oak"), STR(""));

    if (is(s, "Oak")) {
        cast_shadow(d, 620, 1082, 260, 44);
        touch_shadow(d, 430, 1092, 22);
        touch_shadow(d, 772, 1092, 22);
        touch_shadow(d, 640, 1064, 20);
        paint_bar(d, &oak, 22, "M604 470L640 1056");
        paint_bar(d, &oak, 26, "M596 470L430 1084");
        paint_bar(d, &oak, 26, "M604 470L772 1084");
        paint(d, &s->accent, FORM_ROUND, "M570 440H630V486H570Z");
        shade_of_cloth(d, 190, r * 1.02, r * 1.35, 250);
    } else if (is(s, "Linen")) {
        foot(d, &s->accent, 1060, r, 20);
        paint(d, &s->accent, FORM_ROUND, "M591 430H609V1064H591Z");
        shade_of_cloth(d, 180, r * 1.3, r * 1.3, 270);
    } else {
        foot(d, &s->accent, 1060, r, 20);
        paint_bar(d, &s->accent, 18, "M600 1060V300C600 180 720 150 790 220");
        svg(d, "<g transform='rotate(22 800 260)'>");
        dome(d, &s->accent, 800, 200, r * .9, 130);
        svg(d, "</g>");
    }
}

static void draw_wall_light(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 82, 98);
    const char *plate = ellipse(d, 600, 610, 84, 84);
    const char *tube = turned(d, 600, (struct turn[]){{r, 410, true}, {r, 800, true}}, 2, .12);

    if (is(s, "Opal Glass")) {
        flat_shadow(d, plate, 14);
        paint(d, &s->accent, FORM_FLAT, plate);
        paint_bar(d, &s->accent, 24, "M600 612V520");
        globe(d, 600, 420, r * 1.7);
        return;
    }
    svg(d, "<path d='M560 420L300 -40H900L640 420Z' fill='url(#beamup)'/><path d='M560 800L280 1260H920L640 800Z' "
           "fill='url(#beamdown)'/>");
    glow(d, 600, 400, 260, .7);
    glow(d, 600, 820, 260, .7);
    flat_shadow(d, tube, 24);
    paint(d, is(s, "Ceramic") ? &s->body : &s->accent, FORM_ROUND, tube);
    svg(d, "<path d='%s' fill='#fff4d8'/>", ellipse(d, 600, 410, r - 6, (r - 6) * .12));
    dark_line(d, 3, .4, path(d, "M%.1f 600a%.1f %.1f 0 0 0 %.1f 0", 600 - r, r, r * .12, 2 * r));
}

/* -- Furniture ----------------------------------------------------------------------------------------------------- */

static void draw_side_table(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 290, 330), y = vary(s, 1, 480, 540), thick = 28;
    struct turn top[] = {{r, y, true}, {r, y + thick * .6, false}, {r - 12, y + thick, true}};
    double spread = r * .66;

    cast_shadow(d, 610, 962, spread * 1.5, 64);
    for (int i = -1; i < 2; i++)
        touch_shadow(d, i ? 602 + i * spread : 642, i ? 974 : 926, 26);
    paint_bar(d, &s->body, 26, path(d, "M%.1f %.1fL%.1f 920", 612.0, y + 20, 640.0));
    paint_bar(d, &s->body, 32, path(d, "M%.1f %.1fL%.1f 968", 600 - spread * .62, y + 24, 600 - spread));
    paint_bar(d, &s->body, 32, path(d, "M%.1f %.1fL%.1f 968", 600 + spread * .66, y + 24, 600 + spread));
    svg(d, "<ellipse cx='%.1f' cy='%.1f' rx='%.1f' ry='60' fill='url(#cast)'/>", 600.0, y + 50, r * .95);
    paint(d, &s->accent, FORM_ROUND, turned(d, 600, top, COUNT(top), .24));
    paint(d, &s->accent, FORM_FLAT, ellipse(d, 600, y, r, r * .24));
    light_line(d, 3, .5, ellipse(d, 600, y + 1, r - 2, r * .24 - 2));
}

static void draw_chair(struct drawing *d, const struct subject *s)
{
    double rise = vary(s, 0, -24, 26), slats = vary(s, 1, 0, 3);
    const char *seat = round_polygon(d, (double[]){372, 664, 700, 716, 800, 614, 498, 576}, 4, 40);
    const char *edge = round_polygon(d, (double[]){372, 658, 700, 710, 800, 610, 800, 642, 700, 750, 372, 694}, 6, 20);
    const struct surface *wood = &s->body;

    cast_shadow(d, 640, 1010, 380, 92);
    touch_shadow(d, 384, 1012, 30);
    touch_shadow(d, 704, 1082, 30);
    touch_shadow(d, 506, 908, 24);
    touch_shadow(d, 832, 952, 26);
    paint_bar(d, wood, 30, path(d, "M500 900L506 600C500 500 490 430 472 %.1f", 348 - rise));
    paint_bar(d, wood, 30, path(d, "M830 944L800 640C806 530 826 450 852 %.1f", 372 - rise));
    paint_bar(d, wood, 18, "M390 840L504 780");
    paint_bar(d, wood, 18, "M712 900L814 818");
    if (slats < 1)
        for (int i = 1; i < 6; i++)
            paint_bar(d, wood, 14,
                      path(d, "M%d %dL%d %.1f", 510 + i * 48, 590 + i * 6, 478 + i * 62, 340 + i * 6 - rise));
    else if (slats < 2)
        paint_bar(d, wood, 26, path(d, "M494 %.1fC590 500 730 510 824 %.1f", 466 - rise * .5, 496 - rise * .5));
    else
        paint_bar(
            d, wood, 24,
            path(d, "M650 606C648 520 640 460 560 %.1fM650 606C654 520 670 470 760 %.1f", 366 - rise, 378 - rise));
    paint(d, wood, FORM_TUBE,
          path(d,
               "M440 %.1fC540 %.1f 760 %.1f 880 %.1fC896 %.1f 894 %.1f 880 %.1fC760 %.1f 560 %.1f 446 %.1f"
               "C430 %.1f 428 %.1f 440 %.1fZ",
               300 - rise, 322 - rise, 330 - rise, 324 - rise, 336 - rise, 390 - rise, 402 - rise, 404 - rise,
               402 - rise, 374 - rise, 360 - rise, 316 - rise, 300 - rise));
    paint(d, wood, FORM_SIDE, edge);
    paint(d, &s->accent, FORM_FLAT, seat);
    if (s->accent.texture == TEXTURE_RATTAN)
        dark_line(d, 2.5, .4, "M392 664L780 616M690 712L506 580");
    light_line(d, 2, .2, "M390 672L694 718");
    paint_bar(d, wood, 34, "M396 690L384 1004");
    paint_bar(d, wood, 34, "M692 734L704 1074");
}

static void book(struct drawing *d, double x, double floor, double width, double height, uint32_t rgb)
{
    struct surface cover = {colour_of(rgb), TEXTURE_NONE, FINISH_MATT, false};

    paint(d, &cover, FORM_ROUND, round_rect(d, x, floor - height, width, height, 4));
    light_line(d, 2, .4, path(d, "M%.1f %.1fh%.1f", x + 4, floor - height * .84, width - 8));
    light_line(d, 2, .4, path(d, "M%.1f %.1fh%.1f", x + 4, floor - height * .18, width - 8));
}

static void draw_wall_shelf(struct drawing *d, const struct subject *s)
{
    static const uint32_t covers[] = {0x8a4b38, 0x3e4a55, 0xc7a15a, 0x6b7a62, 0xd8cdb9, 0x544149, 0x9d9a90};
    double half = vary(s, 0, 400, 470), x = 600 - half, at = x + 70;
    struct surface pot = surface_of(STR("Ceramic"), STR("")),
                   leaf = {colour_of(0x5d7350), TEXTURE_NONE, FINISH_MATT, false};
    const char *board = round_rect(d, x, 660, 2 * half, 46, 6);

    flat_shadow(d, round_rect(d, x, 640, 2 * half, 70, 6), 40);
    svg(d, "<ellipse cx='%.1f' cy='646' rx='240' ry='60' fill='url(#cast)'/>", at + 190);
    for (size_t i = 0; i < 6; i++) {
        double width = vary(s, (unsigned)i + 3, 30, 54);

        book(d, at, 652, width, vary(s, (unsigned)i + 11, 190, 270), covers[(i + s->number) % COUNT(covers)]);
        at += width + 2;
    }
    for (int i = 0; i < 9; i++)
        paint(d, &leaf, FORM_FLAT,
              path(d, "M%.1f 560q%.1f %.1f %.1f %.1fq%.1f %.1f %.1f %.1fZ", x + 2 * half - 170, -60.0 + i * 12,
                   -60.0 - (i % 3) * 24, -120.0 + i * 30, -110.0 - (i % 4) * 34, 60 - i * 8.0, 30.0, 120 - i * 30.0,
                   110 + (i % 4) * 34.0));
    paint(d, &pot, FORM_ROUND,
          turned(d, x + 2 * half - 170, (struct turn[]){{72, 548, true}, {64, 600, false}, {50, 650, true}}, 3, .12));
    opening(d, &pot, x + 2 * half - 170, 548, 72, .12, 8);
    paint(d, &s->body, FORM_FLAT, path(d, "M%.1f 640H%.1fL%.1f 662H%.1fZ", x + 16, x + 2 * half - 16, x + 2 * half, x));
    svg(d, "<path d='M%.1f 640H%.1fl16 22H%.1fZ' fill='#1c110a' fill-opacity='.10'/>", x + 16, x + 2 * half - 16, x);
    book(d, x + 70, 652, 4, 4, covers[0]);
    paint(d, &s->body, FORM_SIDE, board);
    light_line(d, 2.5, .5, path(d, "M%.1f 661H%.1f", x + 4, x + 2 * half - 4));
}

static void draw_bench(struct drawing *d, const struct subject *s)
{
    double half = vary(s, 0, 380, 430), x = 600 - half, w = 2 * half;
    struct surface cushion = s->accent;

    cushion.texture = TEXTURE_LINEN;
    cast_shadow(d, 620, 952, half * 1.25, 58);
    touch_shadow(d, x + 52, 960, 34);
    touch_shadow(d, x + w - 48, 960, 34);
    for (int i = 0; i < 2; i++)
        paint(d, &s->body, FORM_ROUND, path(d, "M%.1f 880h44l-6 78h-32Z", i ? x + w - 72 : x + 28));
    paint(d, &s->body, FORM_FLAT, path(d, "M%.1f 610H%.1fL%.1f 660H%.1fZ", x + 44, x + w - 44, x + w, x));
    paint(d, &s->body, FORM_FLAT, round_rect(d, x, 658, w, 36, 5));
    paint(d, &s->body, FORM_SIDE, round_rect(d, x + 12, 694, w - 24, 196, 4));
    svg(d, "<path d='M%.1f 694h%.1fv16H%.1fZ' fill='#1c110a' fill-opacity='.30'/>", x + 12, w - 24, x + 12);
    dark_line(d, 3, .4, path(d, "M600 712V886"));
    light_line(d, 2, .25, path(d, "M604 712V886"));
    dark_line(d, 10, .45, path(d, "M560 %d h-90M640 %d h90", 740, 740));
    light_line(d, 2.5, .5, path(d, "M%.1f 659H%.1f", x + 6, x + w - 6));
    if (str_equal_cstr(s->choice, "None"))
        return;
    svg(d, "<path d='M%.1f 640H%.1fv16H%.1fZ' fill='#1c110a' fill-opacity='.28'/>", x + 30, x + w - 30, x + 30);
    paint(d, &cushion, FORM_TUBE, round_rect(d, x + 24, 578, w - 48, 76, 34));
    paint(d, &cushion, FORM_FLAT,
          path(d, "M%.1f 596C%.1f 566 %.1f 566 %.1f 566H%.1fC%.1f 566 %.1f 570 %.1f 596C%.1f 608 %.1f 608 %.1f 596Z",
               x + 30, x + 44, x + 60, x + 90, x + w - 90, x + w - 60, x + w - 44, x + w - 30, x + w - 200, x + 200,
               x + 30));
    dark_line(d, 2, .3, path(d, "M%.1f 622C%.1f 630 %.1f 630 %.1f 622", x + 28, x + 240, x + w - 240, x + w - 28));
}

const struct motif motifs_interior[] = {
    {"Table Lamp", draw_table_lamp, SCENE_STANDING, {600, 620, 900}, {600, 560, 420}},
    {"Pendant Lamp", draw_pendant, SCENE_WALL, {600, 560, 1120}, {560, 620, 420}},
    {"Floor Lamp", draw_floor_lamp, SCENE_STANDING, {600, 600, 1200}, {640, 300, 460}},
    {"Wall Light", draw_wall_light, SCENE_WALL, {600, 600, 1060}, {600, 500, 420}},
    {"Side Table", draw_side_table, SCENE_STANDING, {600, 700, 960}, {470, 560, 420}},
    {"Dining Chair", draw_chair, SCENE_STANDING, {640, 670, 1040}, {560, 600, 420}},
    {"Wall Shelf", draw_wall_shelf, SCENE_WALL, {600, 590, 1100}, {380, 620, 420}},
    {"Storage Bench", draw_bench, SCENE_STANDING, {600, 700, 1040}, {440, 690, 440}},
    {0},
};
