/* Coffee and tea. */
#include "tools/pictures/pictures.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void teapot_body(struct drawing *d, const struct subject *s, double r)
{
    struct turn outline[] = {{r * .42, 470, true},  {r * .62, 496, false}, {r * .93, 570, false}, {r, 680, false},
                             {r * .88, 790, false}, {r * .60, 862, false}, {r * .52, 872, true}};
    const char *body = turned(d, 600, outline, COUNT(outline), .2);

    if (!s->body.clear) {
        paint(d, &s->body, FORM_BALL, body);
        shade(d, FORM_SIDE, FINISH_METAL, turned(d, 600, outline + 3, 4, .2));
        return;
    }
    paint(d, &s->body, FORM_NONE, body);
    svg(d, "<path d='%s' fill='#a5541c' fill-opacity='.72'/>", turned(d, 600, outline + 3, 4, .2));
    svg(d, "<path d='%s' fill='#c67a35' fill-opacity='.8'/>", ellipse(d, 600, 680, r - 4, r * .2));
    shade(d, FORM_BALL, FINISH_GLOSS, body);
    dark_line(d, 2.5, .25, body);
    light_line(d, 10, .5,
               path(d, "M%.1f 620C%.1f 680 %.1f 740 %.1f 790", 600 - r + 40, 600 - r + 26, 600 - r + 34, 600 - r + 64));
}

static void draw_teapot(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 232, 262), lift = vary(s, 1, 0, 46);
    struct turn lid[] = {{26, 430, false}, {r * .30, 440, false}, {r * .46, 474, true}};
    struct surface handle = s->body.texture == TEXTURE_GRAIN ? surface_of(STR("Walnut"), STR("")) : s->body;

    if (s->body.clear)
        handle = s->accent;

    ground_shadow(d, 600, 872, r * .66, r * .17);
    if (s->number / 48 % 2)
        paint_bar(d, &handle, 30,
                  path(d, "M%.1f 560C%.1f %.1f %.1f %.1f %.1f 560", 600 - r * .72, 600 - r * .9, 240 - lift,
                       600 + r * .9, 240 - lift, 600 + r * .72));
    else
        paint_bar(d, &handle, 34,
                  path(d, "M%.1f 560C%.1f 520 %.1f 620 %.1f 690C%.1f 760 %.1f 790 %.1f 780", 590 + r * .9, 770 + r,
                       780 + r, 740 + r, 700 + r, 650 + r * .8, 590 + r * .86));
    paint(d, &s->body, FORM_ROUND,
          path(d, "M%.1f 800C%.1f 770 %.1f 650 %.1f %.1fL%.1f %.1fC%.1f 590 %.1f 610 %.1f 640Z", 600 - r * .74, 580 - r,
               572 - r, 478 - r, 530 - lift * .3, 508 - r, 508 - lift * .3, 566 - r, 580 - r, 600 - r * .90));
    svg(d,
        "<ellipse cx='%.1f' cy='%.1f' rx='20' ry='8' transform='rotate(-36 %.1f %.1f)' fill='#1c110a' "
        "fill-opacity='.55'/>",
        493 - r, 519 - lift * .3, 493 - r, 519 - lift * .3);
    teapot_body(d, s, r);
    dark_line(d, 5, .32, path(d, "M%.1f 474a%.1f %.1f 0 0 0 %.1f 0", 600 - r * .47, r * .47, r * .1, r * .94));
    paint(d, s->body.clear ? &handle : &s->body, FORM_BALL, turned(d, 600, lid, COUNT(lid), .2));
    paint(d, &handle, FORM_BALL, ellipse(d, 600, 414, 30, 26));
}

static void draw_dripper(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 240, 268), y = 430;
    struct turn cone[] = {{r, y, true}, {r * .98, y + 20, false}, {r * .34, y + 300, true}};
    struct turn base[] = {{r * .86, y + 300, true}, {r * .88, y + 312, false}, {r * .84, y + 330, true}};
    struct turn carafe[] = {{r * .62, y + 330, true}, {r * .60, y + 360, false}, {r * .86, y + 450, true}};
    struct turn neck[] = {{r * .36, y + 280, true}, {r * .36, y + 318, true}};
    struct surface glass = surface_of(STR("Glass"), STR(""));
    const struct surface *trim = s->body.finish == FINISH_METAL ? &s->accent : &s->body;

    ground_shadow(d, 600, 912, r * .86, r * .17);
    paint(d, &glass, FORM_ROUND, turned(d, 600, carafe, COUNT(carafe), .17));
    svg(d, "<path d='M%.1f 880v18a%.1f %.1f 0 0 0 %.1f 0v-18z' fill='%s' fill-opacity='.42'/>", 600 - r * .86, r * .86,
        r * .15, r * 1.72, hex(d, glass.colour));
    paint_bar(d, trim, 30, path(d, "M%.1f %.1fc110 -30 130 150 -40 170", 590 + r * .88, y + 70));
    paint(d, trim, FORM_ROUND, turned(d, 600, base, COUNT(base), .2));
    paint(d, trim, FORM_FLAT, ellipse(d, 600, y + 300, r * .86, r * .17));
    paint(d, &s->body, FORM_ROUND, turned(d, 600, neck, COUNT(neck), .2));
    paint(d, &s->body, FORM_ROUND, turned(d, 600, cone, COUNT(cone), .26));
    opening(d, &s->body, 600, y, r, .26, 14);
    for (int i = 0; i < 9; i++) {
        double at = -1 + i * .25;

        dark_line(d, 5, .13,
                  path(d, "M%.1f %.1fQ%.1f %.1f 606 %.1f", 600 + at * (r - 26), y + (1 - at * at) * -r * .21,
                       600 + at * r * .5, y + 6, y + 44));
    }
    svg(d, "<ellipse cx='606' cy='%.1f' rx='34' ry='9' fill='#1c110a' fill-opacity='.55'/>", y + 44);
}

static void draw_espresso_cup(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 172, 196), y = vary(s, 1, 530, 560), foot = 836;
    struct turn cup[] = {{r, y, true},
                         {r * .97, y + 90, false},
                         {r * .74, foot - 60, false},
                         {r * .52, foot - 10, true},
                         {r * .50, foot, true}};
    struct turn saucer[] = {{r * 1.62, foot - 6, true}, {r * 1.4, foot + 24, false}, {r * .8, foot + 44, true}};
    const char *body = turned(d, 600, cup, COUNT(cup), .26);
    const struct surface *plate = s->body.clear ? &s->accent : &s->body;

    ground_shadow(d, 600, foot + 42, r * 1.1, r * .27);
    paint(d, plate, FORM_ROUND, turned(d, 600, saucer, COUNT(saucer), .26));
    paint(d, plate, FORM_FLAT, ellipse(d, 600, foot - 6, r * 1.62, r * .42));
    light_line(d, 3, .5, ellipse(d, 600, foot - 5, r * 1.6, r * .41));
    svg(d, "<ellipse cx='640' cy='%.1f' rx='%.1f' ry='%.1f' fill='url(#cast)'/>", foot + 4, r * 1.05, r * .26);
    if (!s->body.clear)
        paint_bar(d, &s->body, 30, path(d, "M%.1f %.1fc120 -20 110 130 -22 150", 592 + r * .97, y + 56));
    paint(d, &s->body, FORM_ROUND, body);
    if (s->body.clear) {
        svg(d, "<path d='%s' fill='#3a1d0e' fill-opacity='.9'/>",
            turned(d, 600,
                   (struct turn[]){{r * .82, y + 70, true}, {r * .76, y + 130, false}, {r * .42, foot - 70, true}}, 3,
                   .26));
        shade(d, FORM_ROUND, FINISH_GLOSS, body);
        dark_line(d, 2, .22, body);
    }
    opening(d, &s->body, 600, y, r, .26, 13);
    svg(d, "<ellipse cx='603' cy='%.1f' rx='%.1f' ry='%.1f' fill='#3b1f10'/>", y + 18, r * .84, r * .185);
    svg(d, "<ellipse cx='603' cy='%.1f' rx='%.1f' ry='%.1f' fill='#a8692f'/>", y + 19, r * .80, r * .17);
    svg(d, "<ellipse cx='590' cy='%.1f' rx='%.1f' ry='%.1f' fill='#c98d4c' fill-opacity='.7'/>", y + 16, r * .5,
        r * .09);
}

static void draw_grinder(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 104, 122), top = vary(s, 1, 420, 460);
    struct turn body[] = {{r, top, true}, {r, top + 4, false}, {r, 890, true}, {r - 4, 900, true}};
    struct turn band[] = {{r + 3, 660, true}, {r + 3, 690, true}};
    struct turn cap[] = {
        {r * .30, top - 40, true}, {r * .5, top - 34, false}, {r * .96, top - 6, false}, {r, top, true}};
    struct surface steel = surface_of(STR("Stainless Steel"), STR(""));
    struct surface knob = surface_of(STR("Walnut"), STR(""));

    ground_shadow(d, 600, 900, r, r * .2);
    paint_upright(d, &s->body, FORM_ROUND, turned(d, 600, body, COUNT(body), .16));
    paint(d, s->body.texture == TEXTURE_WOOD ? &steel : &s->accent, FORM_ROUND, turned(d, 600, band, COUNT(band), .16));
    dark_line(d, 2, .3, path(d, "M%.1f 660a%.1f %.1f 0 0 0 %.1f 0", 597 - r, r + 3, r * .16, 2 * r + 6));
    paint(d, &steel, FORM_ROUND, turned(d, 600, cap, COUNT(cap), .16));
    paint_bar(d, &steel, 22,
              path(d, "M600 %.1fV%.1fC600 %.1f 620 %.1f 660 %.1fL850 %.1f", top - 40, top - 70, top - 96, top - 104,
                   top - 106, top - 118));
    paint(d, &knob, FORM_BALL,
          turned(d, 858,
                 (struct turn[]){
                     {20, top - 214, true}, {44, top - 196, false}, {40, top - 150, false}, {22, top - 112, true}},
                 4, .2));
}

const struct motif motifs_coffee[] = {
    {"Teapot", draw_teapot, SCENE_STANDING, {580, 640, 960}, {560, 520, 400}},
    {"Coffee Dripper", draw_dripper, SCENE_STANDING, {620, 680, 900}, {560, 500, 420}},
    {"Espresso Cup", draw_espresso_cup, SCENE_STANDING, {600, 690, 840}, {620, 600, 360}},
    {"Coffee Grinder", draw_grinder, SCENE_STANDING, {660, 600, 980}, {640, 460, 420}},
    {0},
};
