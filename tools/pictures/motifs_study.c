/* Audio, desk. */
#include "tools/pictures/pictures.h"

static const struct surface dark_rubber = {{46, 45, 45}, TEXTURE_NONE, FINISH_MATT, false};
static const struct surface black_gloss = {{34, 34, 36}, TEXTURE_NONE, FINISH_GLOSS, false};

/* -- Audio --------------------------------------------------------------------------------------------------------- */

static void ear_cup(struct drawing *d, const struct subject *s, double x, double side)
{
    struct surface cushion = surface_of(STR("Leather"), STR("Black"));

    paint(d, &cushion, FORM_BALL, ellipse(d, x - side * 46, 770, 62, 134));
    paint(d, &s->body, FORM_ROUND,
          path(d, "M%.1f 640C%.1f 640 %.1f 690 %.1f 770C%.1f 850 %.1f 900 %.1f 900C%.1f 900 %.1f 640 %.1f 640Z",
               x - side * 20, x + side * 40, x + side * 66, x + side * 66, x + side * 66, x + side * 40, x - side * 20,
               x - side * 44, x - side * 44, x - side * 20));
    light_line(
        d, 3, .4,
        path(d, "M%.1f 660C%.1f 670 %.1f 710 %.1f 770", x + side * 2, x + side * 40, x + side * 56, x + side * 56));
    dark_line(
        d, 2.5, .4,
        path(d, "M%.1f 642C%.1f 700 %.1f 840 %.1f 898", x - side * 16, x - side * 30, x - side * 30, x - side * 16));
}

static void draw_headphones(struct drawing *d, const struct subject *s)
{
    double half = vary(s, 0, 222, 246), top = vary(s, 1, 300, 330);
    struct surface band = surface_of(STR("Leather"), STR("Black")), steel = surface_of(STR("Stainless Steel"), STR(""));

    if (colour_luma(s->body.colour) > .45)
        band.colour = colour_mix(band.colour, colour_of(0x8a6a4c), .8);
    ground_shadow(d, 600 - half, 902, 74, 18);
    ground_shadow(d, 600 + half, 902, 74, 18);
    paint_bar(d, &band, 46,
              path(d, "M%.1f 640C%.1f %.1f %.1f %.1f 600 %.1fC%.1f %.1f %.1f %.1f %.1f 640", 606 - half, 590 - half,
                   top + 130, 640 - half, top, top, 560 + half, top, 610 + half, top + 130, 594 + half));
    for (int side = -1; side < 2; side += 2) {
        double x = 600 + side * half;

        paint_bar(d, &steel, 13, path(d, "M%.1f 560L%.1f 760", x - side * 8.0, x + side * 12.0));
        ear_cup(d, s, x, side);
    }
    light_line(d, 2, .28,
               path(d, "M%.1f 600C%.1f %.1f %.1f %.1f 600 %.1f", 598 - half, 586 - half, top + 130, 640 - half,
                    top - 12, top - 12));
    if (str_equal_cstr(s->choice, "Forest") || s->number / 48 % 2)
        dark_line(d, 7, .75,
                  path(d, "M%.1f 900C%.1f 1010 760 1000 820 960C860 930 900 990 960 1000", 600 - half, 620 - half));
}

static void draw_portable_speaker(struct drawing *d, const struct subject *s)
{
    double half = vary(s, 0, 270, 310), top = vary(s, 1, 560, 600), x = 600 - half, w = 2 * half;
    struct surface cloth = s->body, top_face = s->body, leather = surface_of(STR("Leather"), STR(""));
    const char *front;

    cloth.texture = TEXTURE_FABRIC;
    cloth.finish = FINISH_MATT;
    if (s->body.texture == TEXTURE_BAMBOO)
        cloth.colour = surface_of(STR("Fabric"), s->choice).colour;
    front = round_rect(d, x, top, w, 900 - top, 74);
    box_shadow(d, 600, 898, half * .9);
    paint_bar(d, &leather, 24,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x + w * .2, top + 20, x + w * .24, top - 120,
                   x + w * .76, top - 120, x + w * .8, top + 20));
    top_face.colour = colour_lighter(s->body.colour, .10);
    paint(d, &top_face, FORM_TUBE, round_rect(d, x + 3, top - 34, w - 6, 200, 74));
    paint(d, &cloth, FORM_ROUND, front);
    shade(d, FORM_SIDE, FINISH_METAL, round_rect(d, x, 700, w, 200, 74));
    light_line(d, 4, .35,
               path(d, "M%.1f %.1fQ%.1f %.1f %.1f %.1fH%.1fQ%.1f %.1f %.1f %.1f", x + 6, top + 60, x + 8, top + 6,
                    x + 70, top + 3, x + w - 70, x + w - 8, top + 6, x + w - 6, top + 60));
    for (int i = -1; i < 2; i++) {
        svg(d, "<ellipse cx='%.1f' cy='%.1f' rx='22' ry='8' fill='#1c110a' fill-opacity='.35'/>", 600 + i * 80.0,
            top - 14);
        light_line(d, 2, .4, ellipse(d, 600 + i * 80, top - 13, 21, 7));
    }
    paint(d, s->body.texture == TEXTURE_BAMBOO ? &s->body : &leather, FORM_FLAT,
          round_rect(d, x + w - 130, 810, 70, 34, 5));
}

static void record(struct drawing *d, double x, double y, double r, double tilt, uint32_t label)
{
    svg(d, "<path d='%s' fill='#1d1c1c'/>", ellipse(d, x, y, r, r * tilt));
    svg(d, "<path d='%s' fill='url(#f2)' fill-opacity='.55'/>", ellipse(d, x, y, r, r * tilt));
    for (int i = 0; i < 9; i++)
        light_line(d, 1, .10, ellipse(d, x, y, r * (.94 - i * .065), r * (.94 - i * .065) * tilt));
    svg(d, "<path d='%s' fill='%s'/><path d='%s' fill='url(#f0)'/>", ellipse(d, x, y, r * .33, r * .33 * tilt),
        hex(d, colour_of(label)), ellipse(d, x, y, r * .33, r * .33 * tilt));
    svg(d, "<ellipse cx='%.1f' cy='%.1f' rx='7' ry='5' fill='#d8d8d6'/>", x, y - 2);
}

static void draw_turntable(struct drawing *d, const struct subject *s)
{
    static const uint32_t labels[] = {0xc05a3a, 0xd8b45a, 0x5a7a78, 0xd9cdb6};
    double half = vary(s, 0, 400, 430), tilt = .46, y = 600;
    struct surface steel = surface_of(STR("Stainless Steel"), STR("")), plinth = s->body;
    const char *top = round_polygon(
        d, (double[]){600 - half + 70, 400, 600 + half - 70, 400, 600 + half, 820, 600 - half, 820}, 4, 26);

    cast_shadow(d, 630, 900, half * 1.3, 70);
    for (int side = -1; side < 2; side += 2)
        paint(d, &dark_rubber, FORM_ROUND, path(d, "M%.1f 880h90v26h-90Z", 555 + side * (half - 90)));
    paint(d, &plinth, FORM_SIDE, round_rect(d, 600 - half, 800, 2 * half, 88, 12));
    paint(d, &plinth, FORM_FLAT, top);
    light_line(d, 3, .5, path(d, "M%.1f 818H%.1f", 614 - half, 586 + half));
    cast_shadow(d, 556, y + 20, 340, 340 * tilt);
    paint(d, &steel, FORM_ROUND, turned(d, 536, (struct turn[]){{304, y, true}, {304, y + 18, true}}, 2, tilt));
    paint(d, &steel, FORM_FLAT, ellipse(d, 536, y, 304, 304 * tilt));
    record(d, 536, y - 6, 288, tilt, labels[s->number / 48 % 4]);
    ground_shadow(d, 890, 520, 44, 22);
    paint(d, &steel, FORM_ROUND, turned(d, 890, (struct turn[]){{40, 486, true}, {44, 516, true}}, 2, tilt));
    paint(d, &black_gloss, FORM_BALL, ellipse(d, 890, 482, 36, 18));
    svg(d, "<path d='M890 478L850 690C842 716 800 724 760 716' fill='none' stroke='#1c110a' stroke-opacity='.3' "
           "stroke-width='14' transform='translate(14 24)'/>");
    paint_bar(d, &steel, 13, "M908 420L890 478L850 690C842 716 800 724 760 716");
    paint(d, &black_gloss, FORM_TUBE, "M772 700L724 694L716 722L766 734Z");
    paint(d, &steel, FORM_BALL, ellipse(d, 914, 406, 26, 22));
    paint(d, &steel, FORM_ROUND, turned(d, 930, (struct turn[]){{26, 752, true}, {26, 764, true}}, 2, tilt));
    paint(d, &steel, FORM_FLAT, ellipse(d, 930, 750, 26, 12));
}

static void driver(struct drawing *d, double x, double y, double r)
{
    svg(d, "<circle cx='%.1f' cy='%.1f' r='%.1f' fill='#1c110a' fill-opacity='.35'/>", x + 2, y + 4, r + 4);
    paint(d, &black_gloss, FORM_FLAT, ellipse(d, x, y, r, r));
    paint(d, &dark_rubber, FORM_INSIDE, ellipse(d, x, y, r * .86, r * .86));
    svg(d, "<circle cx='%.1f' cy='%.1f' r='%.1f' fill='url(#i0)'/>", x, y, r * .70);
    light_line(d, 2, .2, ellipse(d, x, y, r * .70, r * .70));
    paint(d, &dark_rubber, FORM_BALL, ellipse(d, x, y, r * .28, r * .28));
}

static void one_speaker(struct drawing *d, const struct subject *s, double x, double floor, double scale)
{
    double w = 250 * scale, h = vary(s, 1, 440, 490) * scale, depth = 74 * scale, y = floor - h;
    struct surface side = s->body;

    cast_shadow(d, x + w * .62, floor + 4, w * .95, 40 * scale);
    svg(d, "<path d='M%.1f %.1fh%.1fl%.1f %.1fh%.1fZ' fill='#1c110a' fill-opacity='.55'/>", x - 2, floor - 2, w, depth,
        -26 * scale + 10, -w);
    side.colour = colour_darker(s->body.colour, .24);
    paint_upright(d, &side, FORM_SIDE,
                  path(d, "M%.1f %.1fL%.1f %.1fV%.1fL%.1f %.1fZ", x + w - 2, y, x + w + depth, y - 26 * scale,
                       floor - 30 * scale, x + w - 2, floor));
    paint(d, &s->body, FORM_FLAT,
          path(d, "M%.1f %.1fL%.1f %.1fH%.1fL%.1f %.1fZ", x, y + 1, x + depth, y - 26 * scale, x + w + depth, x + w,
               y + 1));
    paint_upright(d, &s->body, FORM_FLAT, round_rect(d, x, y, w, h, 6));
    light_line(d, 2.5, .45,
               path(d, "M%.1f %.1fH%.1fM%.1f %.1fV%.1f", x + 3, y + 2, x + w - 3, x + 2, y + 4, floor - 6));
    if (str_equal_cstr(s->material, "Birch Ply"))
        for (int i = 1; i < 4; i++)
            dark_line(d, 2, .3, path(d, "M%.1f %.1fV%.1f", x + w - 2 + i * depth * .06, y, floor - i));
    driver(d, x + w / 2, y + h * .66, w * .36);
    driver(d, x + w / 2, y + h * .24, w * .19);
    svg(d, "<circle cx='%.1f' cy='%.1f' r='5' fill='#e9e2d2' fill-opacity='.8'/>", x + w - 24, floor - 24);
}

static void draw_bookshelf_speakers(struct drawing *d, const struct subject *s)
{
    one_speaker(d, s, 640, 850, .92);
    one_speaker(d, s, 270, 920, 1);
}

/* -- Desk ---------------------------------------------------------------------------------------------------------- */

static void one_notebook(struct drawing *d, const struct surface *cover, double x, double y, double w, double h,
                         struct colour band)
{
    struct surface paper = {colour_of(0xf1eadb), TEXTURE_NONE, FINISH_MATT, false}, back = *cover;
    const char *front = path(d, "M%.1f %.1fH%.1fq18 0 18 18V%.1fq0 18 -18 18H%.1fZ", x, y, x + w - 18, y + h - 18, x);

    flat_shadow(d, round_rect(d, x, y, w + 8, h + 14, 16), 14);
    back.colour = colour_darker(cover->colour, .3);
    paint(d, &back, FORM_NONE, round_rect(d, x + 2, y + 14, w + 4, h + 2, 16));
    paint(d, &paper, FORM_NONE, round_rect(d, x + 4, y + 8, w - 6, h + 1, 8));
    for (int i = 0; i < 3; i++)
        dark_line(d, 1, .25, path(d, "M%.1f %.1fH%.1f", x + 10, y + h + 2 + i * 3, x + w - 12));
    paint(d, cover, FORM_FLAT, front);
    dark_line(d, 3, .22, path(d, "M%.1f %.1fv%.1f", x + 34, y + 3, h - 6));
    light_line(d, 2, .25, path(d, "M%.1f %.1fv%.1f", x + 38, y + 3, h - 6));
    light_line(d, 2.5, .35, path(d, "M%.1f %.1fH%.1f", x + 4, y + 2, x + w - 20));
    svg(d,
        "<rect x='%.1f' y='%.1f' width='13' height='%.1f' fill='#1c110a' fill-opacity='.3'/><rect x='%.1f' y='%.1f' "
        "width='13' height='%.1f' fill='%s'/>",
        x + w - 62, y, h, x + w - 66, y, h + 4, hex(d, band));
}

static void draw_notebook(struct drawing *d, const struct subject *s)
{
    double w = vary(s, 0, 430, 470), h = w * 1.36;
    struct surface other = s->body;
    struct colour band =
        colour_luma(s->body.colour) > .5 ? colour_darker(s->body.colour, .55) : colour_lighter(s->body.colour, .45);

    other.colour = colour_mix(s->body.colour, colour_of(0xd9c9ae), .65);
    if (s->number / 48 % 2) {
        turn_around(d, vary(s, 2, 8, 16));
        one_notebook(d, &other, 640 - w / 2, 610 - h / 2, w, h, band);
        svg(d, "</g>");
    }
    turn_around(d, vary(s, 1, -15, -6));
    svg(d, "<path d='M%.1f %.1fv%.1fl-9 12l-9 -12v-40' fill='%s'/>", 600 - w * .1, 590 + h / 2, 70.0, hex(d, band));
    one_notebook(d, &s->body, 590 - w / 2, 590 - h / 2, w, h, band);
    paint(d, &(struct surface){colour_of(0xefe6d3), TEXTURE_NONE, FINISH_MATT, false}, FORM_FLAT,
          round_rect(d, 590 - w * .22, 590 - h * .26, w * .40, h * .13, 5));
    dark_line(d, 2, .3,
              path(d, "M%.1f %.1fh%.1fM%.1f %.1fh%.1f", 590 - w * .17, 590 - h * .21, w * .30, 590 - w * .17,
                   590 - h * .175, w * .2));
    svg(d, "</g>");
}

static void draw_pen(struct drawing *d, const struct subject *s)
{
    double fat = vary(s, 0, 27, 33);
    struct surface trim = surface_of(s->number / 48 % 2 ? STR("Brass") : STR("Stainless Steel"), STR(""));
    const char *barrel =
        path(d, "M640 %.1fC480 %.1f 320 %.1f 210 %.1fC186 %.1f 186 %.1f 210 %.1fC320 %.1f 480 %.1f 640 %.1fZ",
             560 - fat, 560 - fat, 562 - fat, 574 - fat, 570.0, 550.0, 546 + fat, 558 + fat, 560 + fat, 560 + fat);
    const char *grip = path(d, "M640 %.1fL800 %.1fV%.1fL640 %.1fZ", 562 - fat, 572 - fat, 548 + fat, 558 + fat);
    const char *nib = "M800 542C850 536 890 548 960 560C890 572 850 584 800 578Z";
    const char *cap =
        path(d, "M300 %.1fH660C690 %.1f 690 %.1f 660 %.1fH300Z", 760 - fat - 5, 752 - fat, 768 + fat, 760 + fat + 5);

    turn_around(d, vary(s, 1, -34, -24));
    flat_shadow(d, path(d, "%s%s%s", barrel, grip, nib), 9);
    flat_shadow(d, cap, 9);
    paint(d, &s->body, FORM_TUBE, barrel);
    paint(d, &black_gloss, FORM_TUBE, grip);
    paint(d, &trim, FORM_TUBE, path(d, "M628 %.1fH652V%.1fH628Z", 558 - fat, 562 + fat));
    paint(d, &trim, FORM_TUBE, path(d, "M786 %.1fH806V%.1fH786Z", 570 - fat, 550 + fat));
    paint(d, &(struct surface){colour_of(0xcaa75e), TEXTURE_NONE, FINISH_METAL, false}, FORM_TUBE, nib);
    dark_line(d, 2, .6, "M846 560H956");
    svg(d, "<circle cx='846' cy='560' r='6' fill='#3a2a14'/>");
    paint(d, &s->body, FORM_TUBE, cap);
    paint(d, &trim, FORM_TUBE, path(d, "M296 %.1fH328V%.1fH296Z", 752 - fat, 768 + fat));
    paint(d, &trim, FORM_TUBE, path(d, "M640 %.1fH380C360 %.1f 360 %.1f 380 %.1fH640Z", 744.0, 744.0, 764.0, 764.0));
    svg(d, "</g>");
}

static void draw_organiser(struct drawing *d, const struct subject *s)
{
    static const uint32_t pencils[] = {0xc05a3a, 0x3e4a55, 0xd8b45a, 0x6b7a62};
    double half = vary(s, 0, 300, 340), x = 600 - half, w = 2 * half, split = x + w * vary(s, 1, .34, .42);
    struct surface body = s->body, card = {colour_of(0xefe8da), TEXTURE_NONE, FINISH_MATT, false};

    if (body.texture == TEXTURE_WOOD)
        body = surface_of(s->material, s->choice);
    box_shadow(d, 600, 900, half);
    paint(d, &body, FORM_SIDE, path(d, "M%.1f 560H%.1fV760H%.1fZ", x + 22, split, x + 22));
    for (int i = 0; i < 4; i++) {
        struct surface lacquer = {colour_of(pencils[((size_t)i + s->number) % 4]), TEXTURE_NONE, FINISH_GLOSS, false};
        double at = x + 52 + i * (split - x - 90) / 3, lean = (i - 1.5) * 20;

        paint(d, &lacquer, FORM_ROUND,
              path(d, "M%.1f 760L%.1f 400L%.1f 400L%.1f 760Z", at - 11, at + lean - 11, at + lean + 11, at + 11));
        paint(d, &(struct surface){colour_of(0xdcb988), TEXTURE_NONE, FINISH_MATT, false}, FORM_ROUND,
              path(d, "M%.1f 400L%.1f 352L%.1f 400Z", at + lean - 11, at + lean, at + lean + 11));
    }
    paint(d, &card, FORM_FLAT,
          path(d, "M%.1f 640L%.1f 560H%.1fL%.1f 640V760H%.1fZ", split + 40, split + 54, x + w - 80, x + w - 60,
               split + 40));
    paint(d, &black_gloss, FORM_FLAT,
          path(d, "M%.1f 760L%.1f 520Q%.1f 500 %.1f 500H%.1fQ%.1f 500 %.1f 520V760Z", x + w - 220, x + w - 206,
               x + w - 204, x + w - 190, x + w - 90, x + w - 76, x + w - 72));
    paint(d, &body, FORM_FLAT,
          round_polygon(d, (double[]){x, 600, split, 600, split + 22, 700, x + w, 700, x + w, 900, x, 900}, 6, 14));
    svg(d, "<path d='M%.1f 700H%.1fV900H%.1fZ' fill='#1c110a' fill-opacity='.07'/>", split + 14, x + w, split + 14);
    light_line(d, 4, .45, path(d, "M%.1f 603H%.1fL%.1f 703H%.1f", x + 12, split - 4, split + 20, x + w - 10));
    dark_line(d, 2, .25, path(d, "M%.1f 706V898", split + 14));
    shade(d, FORM_SIDE, FINISH_METAL, path(d, "M%.1f 790H%.1fV900H%.1fZ", x, x + w, x));
}

static void draw_desk_mat(struct drawing *d, const struct subject *s)
{
    double w = vary(s, 0, 800, 880), h = w * .56, x = 600 - w / 2, y = 600 - h / 2;
    const char *mat = round_rect(d, x, y, w, h, 30);
    struct surface under = s->body, keys = {colour_of(0xe9e5dc), TEXTURE_NONE, FINISH_MATT, false};

    turn_around(d, vary(s, 1, -16, -8));
    flat_shadow(d, mat, 12);
    under.colour = colour_darker(s->body.colour, .4);
    paint(d, &under, FORM_NONE, round_rect(d, x + 3, y + 8, w, h, 30));
    paint(d, &s->body, FORM_FLAT, mat);
    svg(d, "<path d='%s' fill='none' stroke='%s' stroke-opacity='.6' stroke-width='3' stroke-dasharray='14 9'/>",
        round_rect(d, x + 20, y + 20, w - 40, h - 40, 18),
        hex(d,
            colour_luma(s->body.colour) > .5 ? colour_darker(s->body.colour, .5) : colour_lighter(s->body.colour, .5)));
    if (s->number / 48 % 2) {
        flat_shadow(d, round_rect(d, x + 90, y + 110, w * .5, 190, 18), 8);
        paint(d, &keys, FORM_FLAT, round_rect(d, x + 90, y + 110, w * .5, 190, 18));
        for (int row = 0; row < 4; row++)
            for (int key = 0; key < 11; key++)
                svg(d,
                    "<rect x='%.1f' y='%.1f' width='%.1f' height='34' rx='6' fill='#fffdf7' stroke='#1c110a' "
                    "stroke-opacity='.16' stroke-width='2'/>",
                    x + 104 + key * (w * .5 - 24) / 11, y + 122 + row * 42, (w * .5 - 24) / 11 - 6);
    } else {
        one_notebook(d, &(struct surface){colour_of(0xd9c9ae), TEXTURE_NONE, FINISH_MATT, false}, x + 90, y + 80, 220,
                     h - 180, colour_of(0x6a4a35));
    }
    flat_shadow(d, path(d, "M%.1f %.1fh16v300h-16Z", x + w - 170, y + 90), 8);
    paint(d, &(struct surface){colour_of(0x7a5a3c), TEXTURE_NONE, FINISH_GLOSS, false}, FORM_ROUND,
          path(d, "M%.1f %.1fh18v270l-9 34l-9 -34Z", x + w - 170, y + 80));
    svg(d, "</g>");
}

const struct motif motifs_study[] = {
    {"Headphones", draw_headphones, SCENE_STANDING, {600, 640, 920}, {420, 740, 400}},
    {"Portable Speaker", draw_portable_speaker, SCENE_STANDING, {600, 690, 900}, {480, 680, 400}},
    {"Turntable", draw_turntable, SCENE_STANDING, {600, 660, 1040}, {700, 640, 440}},
    {"Bookshelf Speakers", draw_bookshelf_speakers, SCENE_STANDING, {600, 690, 960}, {410, 720, 420}},
    {"Notebook", draw_notebook, SCENE_LYING, {600, 610, 980}, {520, 500, 420}},
    {"Fountain Pen", draw_pen, SCENE_LYING, {590, 610, 960}, {720, 520, 420}},
    {"Desk Organiser", draw_organiser, SCENE_STANDING, {600, 660, 940}, {470, 640, 420}},
    {"Desk Mat", draw_desk_mat, SCENE_LYING, {600, 600, 1080}, {360, 480, 440}},
    {0},
};
