/* Kitchen, tableware. */
#include "tools/pictures/pictures.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- Kitchen ------------------------------------------------------------------------------------------------------- */

static void draw_frying_pan(struct drawing *d, const struct subject *s)
{
    double x = 500, y = 640, r = vary(s, 0, 300, 345);
    struct turn outline[] = {{r, y, true}, {r * .93, y + 62, false}, {r * .80, y + 96, true}};
    struct surface rivet = surface_of(STR("Steel"), STR(""));
    struct surface inside = s->body;
    const char *handle = path(d, "M%.1f %.1fC%.1f %.1f 930 560 985 530", x + r * .92, y - 24, x + r + 50, y - 46);

    ground_shadow(d, x + 4, y + 104, r * .86, r * .33);
    svg(d, "<ellipse cx='960' cy='760' rx='240' ry='42' fill='url(#cast)'/>");
    paint_bar(d, &rivet, 30, handle);
    paint_bar(d, &s->accent, 52, "M985 530C1030 506 1070 486 1112 468");
    svg(d, "<ellipse cx='1102' cy='472' rx='11' ry='8' fill='#1c110a' fill-opacity='.6'/>");
    paint(d, &s->body, FORM_ROUND, turned(d, x, outline, COUNT(outline), .37));
    inside.colour = colour_darker(s->body.colour, .12);
    opening(d, &inside, x, y, r, .37, 12);
    paint(d, &s->body, FORM_FLAT, ellipse(d, x + 2, y + 40, r * .76, r * .76 * .31));
    light_line(d, 3, .18, ellipse(d, x + 2, y + 40, r * .76, r * .76 * .31));
    svg(d, "<ellipse cx='%.1f' cy='%.1f' rx='7' ry='5' fill='#e8e4dc' fill-opacity='.7'/>", x + r * .90, y - 8);
    svg(d, "<ellipse cx='%.1f' cy='%.1f' rx='7' ry='5' fill='#e8e4dc' fill-opacity='.7'/>", x + r * .93, y + 12);
}

static void draw_knife(struct drawing *d, const struct subject *s)
{
    double tip = vary(s, 0, 1070, 1120), heel = vary(s, 1, 680, 706);
    const char *blade = path(d, "M392 532L700 530C860 530 990 556 %.1f 640C960 676 760 %.1f 420 %.1fL412 %.1fL392 606Z",
                             tip, heel, heel, heel - 8);
    const char *edge = path(d, "M%.1f 640C960 676 760 %.1f 420 %.1fL420 %.1fC760 %.1f 940 652 %.1f 640Z", tip, heel,
                            heel, heel - 26, heel - 24, tip);
    const char *handle = "M120 556C118 534 138 524 168 526C240 532 320 528 396 526L396 612C330 612 260 622 200 634"
                         "C150 640 126 610 120 556Z";

    turn_around(d, -34);
    flat_shadow(d, path(d, "%s%s", blade, handle), 13);
    paint(d, &s->body, FORM_FLAT, blade);
    svg(d, "<path d='%s' fill='#fffaf0' fill-opacity='.34'/>", edge);
    dark_line(d, 1.5, .25, path(d, "M420 %.1fC760 %.1f 940 652 %.1f 640", heel - 26, heel - 24, tip));
    light_line(d, 2.5, .6, "M400 533L700 531C860 531 985 557 1064 634");
    paint(d, &s->accent, FORM_TUBE, handle);
    paint(d, &s->body, FORM_TUBE, "M384 525H410V614H384Z");
    for (int i = 0; i < 3; i++) {
        svg(d, "<circle cx='%d' cy='%d' r='10' fill='#c8bfae'/>", 180 + i * 80, 577 - i * 3);
        svg(d, "<circle cx='%d' cy='%d' r='10' fill='url(#b1)'/>", 180 + i * 80, 577 - i * 3);
    }
    light_line(d, 3, .35, "M140 540C150 532 240 540 384 533");
    svg(d, "</g>");
}

static void draw_cutting_board(struct drawing *d, const struct subject *s)
{
    double w = vary(s, 0, 520, 600), x = 600 - w / 2;
    const char *board = round_rect(d, x, 250, w, 780, 46);
    const char *grip = round_rect(d, 520, 286, 160, 44, 22);
    struct surface below = s->body;

    below.colour = colour_darker(s->body.colour, .38);
    turn_around(d, vary(s, 1, -20, -10));
    flat_shadow(d, round_rect(d, x, 250, w, 800, 46), 15);
    paint(d, &below, FORM_NONE, round_rect(d, x + 3, 262, w, 790, 46));
    paint_upright(d, &s->body, FORM_FLAT, board);
    light_line(d, 3, .5, path(d, "M%.1f 1000V296a44 44 0 0 1 44 -44H%.1f", x + 2, x + w - 48));
    dark_line(d, 9, .20, round_rect(d, x + 44, 380, w - 88, 606, 30));
    light_line(d, 3, .42, round_rect(d, x + 48, 385, w - 88, 606, 30));
    svg(d, "<path d='%s' fill='%s'/><path d='%s' fill='#1c110a' fill-opacity='.30'/>", grip, hex(d, d->ground), grip);
    dark_line(d, 5, .35, "M536 292H664");
    svg(d, "</g>");
}

static void jar_contents(struct drawing *d, const struct subject *s, double r)
{
    static const uint32_t foods[] = {0xe6d3a6, 0x7a4a2c, 0xb5542f, 0xf0e7d4, 0x8c8f4d};
    struct surface food = {colour_of(foods[s->number % 5]), TEXTURE_GRAIN, FINISH_MATT, false};
    double top = vary(s, 2, 560, 640);
    struct turn outline[] = {{r - 22, top, true}, {r - 22, 860, false}, {r - 44, 886, true}};

    food.texture = s->number % 5 == 3 ? TEXTURE_NONE : TEXTURE_SPECKLE;
    paint(d, &food, FORM_ROUND, turned(d, 600, outline, COUNT(outline), .13));
    food.colour = colour_lighter(food.colour, .18);
    paint(d, &food, FORM_FLAT, ellipse(d, 600, top, r - 22, (r - 22) * .13));
}

static void draw_jar(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 200, 240), top = vary(s, 1, 420, 480);
    struct turn outline[] = {{r - 20, top, true}, {r - 16, top + 14, false}, {r, top + 56, false},
                             {r, 840, false},     {r - 8, 890, false},       {r - 34, 908, true}};
    struct turn lid[] = {
        {r - 6, top - 66, true}, {r - 2, top - 58, false}, {r - 2, top - 8, false}, {r - 10, top, true}};
    const char *body = turned(d, 600, outline, COUNT(outline), .13);

    ground_shadow(d, 600, 908, r, r * .2);
    if (s->body.clear) {
        paint(d, &s->body, FORM_NONE, body);
        jar_contents(d, s, r);
        shade(d, FORM_ROUND, FINISH_GLOSS, body);
        light_line(d, 3, .5, path(d, "M%.1f %.1fV850", 600 - r + 22, top + 70));
        dark_line(d, 2, .2, body);
    } else {
        paint(d, &s->body, FORM_ROUND, body);
    }
    dark_line(d, 6, .28,
              path(d, "M%.1f %.1fa%.1f %.1f 0 0 0 %.1f 0", 600 - r + 18, top + 6, r - 18, (r - 18) * .13, 2 * r - 36));
    paint(d, &s->accent, FORM_ROUND, turned(d, 600, lid, COUNT(lid), .13));
    paint(d, &s->accent, FORM_FLAT, ellipse(d, 600, top - 66, r - 6, (r - 6) * .13));
    light_line(d, 2.5, .45, ellipse(d, 600, top - 66, r - 8, (r - 8) * .13));
}

/* -- Tableware ----------------------------------------------------------------------------------------------------- */

static void one_plate(struct drawing *d, const struct surface *glaze, double y, double r)
{
    struct turn outline[] = {{r, y, true}, {r * .9, y + 24, false}, {r * .56, y + 46, true}};
    double tilt = .40;

    paint(d, glaze, FORM_ROUND, turned(d, 600, outline, COUNT(outline), tilt));
    paint(d, glaze, FORM_FLAT, ellipse(d, 600, y, r, r * tilt));
    light_line(d, 3, .55, ellipse(d, 600, y + 1, r - 4, r * tilt - 3));
    paint(d, glaze, FORM_INSIDE, ellipse(d, 600, y + 12, r * .74, r * .74 * tilt));
    svg(d, "<path d='%s' fill='%s' fill-opacity='.75'/>", ellipse(d, 600, y + 18, r * .70, r * .67 * tilt),
        hex(d, glaze->colour));
    paint(d, glaze, FORM_FLAT, ellipse(d, 600, y + 20, r * .68, r * .64 * tilt));
}

static void draw_plate(struct drawing *d, const struct subject *s)
{
    int below = (int)vary(s, 0, 0, 3.99);
    double r = vary(s, 1, 372, 400), y = 640 - 10 * below;
    struct surface under = s->body;

    ground_shadow(d, 600, 690 + 16 * below, r * .66, r * .27);
    under.colour = colour_mix(s->body.colour, colour_of(0xe9e2d6), .55);
    for (int i = below; i > 0; i--)
        one_plate(d, i % 2 ? &under : &s->body, y + 27 * i, r);
    one_plate(d, &s->body, y, r);
}

static void draw_bowl(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 300, 340), depth = vary(s, 1, 230, 275), y = 580;
    struct turn outline[] = {{r, y, true},
                             {r * .975, y + depth * .3, false},
                             {r * .80, y + depth * .68, false},
                             {r * .47, y + depth * .93, false},
                             {r * .43, y + depth * .95, true},
                             {r * .41, y + depth * 1.05, true}};
    struct surface inside = s->body;

    ground_shadow(d, 600, y + depth * 1.05, r * .50, r * .17);
    paint(d, &s->body, FORM_ROUND, turned(d, 600, outline, COUNT(outline), .28));
    if (s->body.texture == TEXTURE_SPECKLE)
        inside.colour = colour_lighter(s->body.colour, .30);
    opening(d, &inside, 600, y, r, .28, 15);
    svg(d, "<ellipse cx='610' cy='%.1f' rx='%.1f' ry='%.1f' fill='url(#f%d)' fill-opacity='.8'/>", y + 34, r * .5,
        r * .11, s->body.finish);
}

static void draw_serving_dish(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 390, 420), y = 640;
    struct turn outline[] = {
        {r, y, true}, {r * .985, y + 50, false}, {r * .88, y + 112, false}, {r * .74, y + 132, true}};
    struct surface inside = s->body;

    ground_shadow(d, 600, y + 130, r * .80, r * .23);
    paint_bar(d, &s->body, 36,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 600 - r + 6, y - 34, 600 - r - 80, y - 34,
                   600 - r - 80, y + 44, 600 - r + 16, y + 48));
    paint_bar(d, &s->body, 36,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 594 + r, y - 34, 680 + r, y - 34, 680 + r, y + 44,
                   584 + r, y + 48));
    paint(d, &s->body, FORM_ROUND, turned(d, 600, outline, COUNT(outline), .30));
    inside.colour = colour_lighter(s->body.colour, .34);
    opening(d, &inside, 600, y, r, .30, 18);
    svg(d, "<ellipse cx='606' cy='%.1f' rx='%.1f' ry='%.1f' fill='url(#f%d)'/>", y + 38, r * .70, r * .165,
        s->body.finish);
    light_line(d, 2, .3, ellipse(d, 606, y + 38, r * .70, r * .165));
}

static void one_glass(struct drawing *d, const struct surface *glass, double x, double floor, double r, double height)
{
    double y = floor - height;
    struct turn outline[] = {
        {r, y, true}, {r * .98, y + height * .4, false}, {r * .88, floor - 30, false}, {r * .80, floor, true}};
    struct turn hollow[] = {{r - 7, y, true},
                            {r * .98 - 9, y + height * .4, false},
                            {r * .88 - 12, floor - 90, false},
                            {r * .60, floor - 52, true}};
    const char *body = turned(d, x, outline, COUNT(outline), .16);

    ground_shadow(d, x, floor, r * .84, r * .17);
    paint(d, glass, FORM_NONE, body);
    svg(d, "<path d='%s' fill='%s' fill-opacity='.30'/>", turned(d, x, outline + 2, 2, .16), hex(d, glass->colour));
    shade(d, FORM_ROUND, FINISH_GLOSS, body);
    svg(d, "<path d='%s' fill='%s' fill-opacity='.30'/>", turned(d, x, hollow, COUNT(hollow), .16),
        hex(d, colour_lighter(d->ground, .30)));
    light_line(d, 2.5, .7, ellipse(d, x, floor - 50, r * .60, r * .10));
    dark_line(d, 2, .20, body);
    svg(d, "<path d='%s' fill='#1c110a' fill-opacity='.07'/>", ellipse(d, x, y, r - 3, (r - 3) * .16));
    light_line(d, 4, .75, ellipse(d, x, y, r - 2, (r - 2) * .16));
    light_line(d, 13, .42, path(d, "M%.1f %.1fL%.1f %.1f", x - r * .66, y + 60, x - r * .58, floor - 110));
}

static void draw_glass(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 128, 150), height = vary(s, 1, 340, 430);

    one_glass(d, &s->body, 720, 800, r * .94, height * .94);
    one_glass(d, &s->body, 480, 900, r, height);
}

const struct motif motifs_home[] = {
    {"Frying Pan", draw_frying_pan, SCENE_STANDING, {620, 640, 1060}, {420, 640, 380}},
    {"Chef's Knife", draw_knife, SCENE_LYING, {600, 600, 1080}, {640, 590, 380}},
    {"Cutting Board", draw_cutting_board, SCENE_LYING, {600, 640, 1000}, {560, 480, 420}},
    {"Storage Jar", draw_jar, SCENE_STANDING, {600, 660, 860}, {560, 500, 400}},
    {"Dinner Plate", draw_plate, SCENE_STANDING, {600, 650, 960}, {430, 640, 380}},
    {"Soup Bowl", draw_bowl, SCENE_STANDING, {600, 690, 900}, {450, 600, 380}},
    {"Serving Dish", draw_serving_dish, SCENE_STANDING, {600, 690, 1040}, {330, 650, 380}},
    {"Water Glass", draw_glass, SCENE_STANDING, {600, 700, 860}, {500, 620, 420}},
    {0},
};
