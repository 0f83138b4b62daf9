/* Clothing, laid flat, the rain jacket of the outdoor category too. */
#include "tools/pictures/pictures.h"

/* The measures of a garment, all from its middle line or from the top of the canvas. */
struct cut {
    double neck;     /* half the neck's width */
    double dip;      /* how deep it is cut in front */
    double shoulder; /* half the width across the shoulders */
    double half;     /* half the width of the body */
    double hem;
    double elbow[2];
    double cuff[2]; /* its outer corner */
    double cuff_width;
    double cuff_rise; /* how much higher or lower its inner corner is */
};

static bool is_long(const struct cut *c)
{
    return c->cuff[1] > 700;
}

static const char *garment(struct drawing *d, const struct cut *c)
{
    double l = 600, h = c->half, drop = 322 + (c->elbow[1] - 322) * .42;
    double pit = is_long(c) ? 580 : 536;

    return path(d,
                "M%.1f 256C%.1f 268 %.1f 290 %.1f 322C%.1f 344 %.1f %.1f %.1f %.1fL%.1f %.1fL%.1f %.1fC%.1f %.1f %.1f "
                "%.1f %.1f 520"
                "C%.1f 700 %.1f 860 %.1f %.1fQ600 %.1f %.1f %.1fC%.1f 860 %.1f 700 %.1f 520C%.1f %.1f %.1f %.1f %.1f "
                "%.1fL%.1f %.1f"
                "L%.1f %.1fC%.1f %.1f %.1f 344 %.1f 322C%.1f 290 %.1f 268 %.1f 256Q600 %.1f %.1f 256Z",
                l - c->neck, l - c->neck - 40, l - c->shoulder + 40, l - c->shoulder, l - c->shoulder - 34,
                l - c->elbow[0] + 14, drop, l - c->elbow[0], c->elbow[1], l - c->cuff[0], c->cuff[1],
                l - c->cuff[0] + c->cuff_width, c->cuff[1] + c->cuff_rise, l - c->elbow[0] + c->cuff_width + 10,
                c->elbow[1] + c->cuff_rise, l - h - 26, pit, l - h, l - h + 8, l - h + 4, l - h - 6, c->hem,
                c->hem + 14, l + h + 6, c->hem, l + h - 4, l + h - 8, l + h, l + h + 26, pit,
                l + c->elbow[0] - c->cuff_width - 10, c->elbow[1] + c->cuff_rise, l + c->cuff[0] - c->cuff_width,
                c->cuff[1] + c->cuff_rise, l + c->cuff[0], c->cuff[1], l + c->elbow[0], c->elbow[1],
                l + c->elbow[0] - 14, drop, l + c->shoulder + 34, l + c->shoulder, l + c->shoulder - 40,
                l + c->neck + 40, l + c->neck, 256 + c->dip * 2, l - c->neck);
}

/* The cloth with its folds and seams. */
static const char *lay_out(struct drawing *d, const struct surface *cloth, const struct cut *c)
{
    const char *outline = garment(d, c);
    /* A short sleeve has no fold at the elbow: that lies outside of what is seen. */
    double h = c->half, e = c->elbow[0], y = is_long(c) ? c->elbow[1] : -400;
    struct surface back = *cloth;

    back.colour = colour_darker(cloth->colour, .34);
    flat_shadow(d, outline, 13);
    paint(d, &back, FORM_NONE,
          path(d, "M%.1f 258Q600 226 %.1f 258Q600 %.1f %.1f 258Z", 600 - c->neck, 600 + c->neck, 256 + c->dip * 2.1,
               600 - c->neck));
    paint(d, cloth, FORM_FLAT, outline);
    folds(d, outline, 24, .15,
          path(d,
               "M%.1f 520C%.1f 560 %.1f 620 %.1f 640M%.1f 520C%.1f 580 %.1f 620 %.1f 650M%.1f %.1fq40 -30 90 -20M%.1f "
               "%.1fq-40 -30 -90 -20"
               "M%.1f %.1fC%.1f 800 %.1f 760 %.1f 720M%.1f %.1fC%.1f 860 %.1f 800 %.1f 700",
               604 - h, 660 - h, 690 - h, 720 - h, 596 + h, 540 + h, 510 + h, 490 + h, 600 - e, y, 600 + e, y, 640 - h,
               c->hem, 660 - h, 650 - h, 640 - h, 560 + h, c->hem, 530 + h, 540 + h, 520 + h),
          path(d,
               "M%.1f 560C%.1f 600 %.1f 660 %.1f 690M%.1f 560C%.1f 620 %.1f 660 %.1f 700M%.1f %.1fq50 -20 90 -10M%.1f "
               "%.1fq-50 -20 -90 -10"
               "M%.1f %.1fC%.1f 820 %.1f 780 %.1f 740",
               612 - h, 650 - h, 680 - h, 700 - h, 588 + h, 550 + h, 520 + h, 500 + h, 596 - e, y + 36, 604 + e, y + 36,
               690 - h, c->hem, 700 - h, 690 - h, 690 - h));
    dark_line(d, 2.5, .26,
              path(d, "M%.1f 322C%.1f 400 %.1f 460 %.1f 522M%.1f 322C%.1f 400 %.1f 460 %.1f 522", 600 - c->shoulder + 8,
                   620 - c->shoulder, 620 - h, 602 - h, 592 + c->shoulder, 580 + c->shoulder, 580 + h, 598 + h));
    dark_line(d, 1.6, .3, outline);
    return outline;
}

static void cuffs_and_hem(struct drawing *d, const struct cut *c, double width)
{
    double lean = (c->cuff[0] - c->elbow[0]) / (c->cuff[1] - c->elbow[1] + 1);

    for (int side = -1; side < 2; side += 2)
        dark_line(d, 2.5, .32,
                  path(d, "M%.1f %.1fL%.1f %.1f", 600 + side * (c->cuff[0] - lean * width), c->cuff[1] - width,
                       600 + side * (c->cuff[0] - c->cuff_width - lean * width), c->cuff[1] + c->cuff_rise - width));
    dark_line(d, 2.5, .30,
              path(d, "M%.1f %.1fQ600 %.1f %.1f %.1f", 598 - c->half, c->hem - width, c->hem - width + 14,
                   602 + c->half, c->hem - width));
}

static void buttons(struct drawing *d, double from, double to, int count, uint32_t rgb)
{
    for (int i = 0; i < count; i++) {
        double y = from + (to - from) * i / (count - 1);

        svg(d,
            "<circle cx='602' cy='%.1f' r='11' fill='#1c110a' fill-opacity='.35'/><circle cx='600' cy='%.1f' r='10' "
            "fill='%s'/>"
            "<circle cx='600' cy='%.1f' r='10' fill='url(#b1)'/>",
            y + 3, y, hex(d, colour_of(rgb)), y);
    }
}

static void collar(struct drawing *d, const struct surface *cloth, double neck, double drop)
{
    struct surface light = *cloth;

    light.colour = colour_lighter(cloth->colour, .07);
    for (int side = -1; side < 2; side += 2) {
        const char *wing = path(d, "M%.1f 240C%.1f 250 %.1f 300 600 %.1fL%.1f %.1fC%.1f 330 %.1f 280 %.1f 250Z",
                                600 + side * neck * .86, 600 + side * neck * .9, 600 + side * neck * .5,
                                256 + drop * .62, 600 + side * neck * 1.02, 256 + drop, 600 + side * neck * 1.2,
                                600 + side * neck * 1.3, 600 + side * neck * 1.08);

        folds(d, garment(d, &(struct cut){neck, 40, 260, 210, 900, {300, 600}, {300, 700}, 80, 0}), 12, .22,
              path(d, "M600 %.1fL%.1f %.1fL%.1f 330", 266 + drop * .62, 600 + side * neck * 1.04, 268 + drop,
                   600 + side * neck * 1.4),
              "M0 0");
        paint(d, &light, FORM_FLAT, wing);
        dark_line(d, 1.8, .35, wing);
    }
}

static void pocket(struct drawing *d, const struct surface *cloth, double x, double y, double w, double h)
{
    const char *outline = path(d, "M%.1f %.1fh%.1fv%.1fl-14 14h%.1fl-14 -14Z", x, y, w, h - 14, -w + 28);

    svg(d, "<path d='%s' fill='#1c110a' fill-opacity='.16' transform='translate(3 6)'/>", outline);
    paint(d, cloth, FORM_FLAT, outline);
    dark_line(d, 1.8, .35, outline);
    dark_line(d, 1.6, .25, path(d, "M%.1f %.1fh%.1f", x + 2, y + 22, w - 4));
    light_line(d, 1.6, .3, path(d, "M%.1f %.1fh%.1f", x + 2, y + 2, w - 4));
}

static void draw_shirt(struct drawing *d, const struct subject *s)
{
    struct cut c = {86, 62, 236, vary(s, 0, 204, 222), vary(s, 1, 960, 1000), {332, 600}, {398, 890}, 84, 20};

    lay_out(d, &s->body, &c);
    cuffs_and_hem(d, &c, 50);
    dark_line(d, 1.8, .3, path(d, "M582 330V%.1fM622 340V%.1f", c.hem + 6, c.hem + 6));
    pocket(d, &s->body, 660, 470, 96, 108);
    collar(d, &s->body, 86, 118);
    buttons(d, 386, c.hem - 70, 6, colour_luma(s->body.colour) > .5 ? 0xe9dfcb : 0xb9a88c);
    svg(d, "<rect x='576' y='262' width='48' height='26' rx='2' fill='#efe8da'/>");
}

static void draw_jumper(struct drawing *d, const struct subject *s)
{
    struct cut c = {92, 36, 240, vary(s, 0, 214, 234), vary(s, 1, 930, 970), {340, 600}, {404, 900}, 84, 18};
    struct surface rib = s->body;

    lay_out(d, &s->body, &c);
    cuffs_and_hem(d, &c, 58);
    for (double x = 604 - c.half; x < 598 + c.half; x += 13)
        dark_line(d, 3, .15, path(d, "M%.1f %.1fv54", x, c.hem - 46));
    rib.colour = colour_darker(s->body.colour, .08);
    paint_bar(d, &rib, 26,
              path(d, "M%.1f 258Q600 228 %.1f 258Q600 %.1f %.1f 258Z", 600 - c.neck, 600 + c.neck, 256 + c.dip * 2.3,
                   600 - c.neck));
    for (int i = 0; i <= 16; i++) {
        double t = i / 16.0, x = 600 - c.neck + 2 * c.neck * t, y = 252 + 4 * c.dip * 1.15 * t * (1 - t);

        dark_line(d, 2, .16, path(d, "M%.1f %.1fl%.1f 20", x, y - 8, (t - .5) * 6));
    }
}

static void draw_t_shirt(struct drawing *d, const struct subject *s)
{
    struct cut c = {92, 40, 236, vary(s, 0, 214, 236), vary(s, 1, 930, 970), {330, 440}, {372, 560}, 142, 54};
    struct surface jersey = s->body, rib;

    if (jersey.texture == TEXTURE_KNIT)
        jersey.texture = TEXTURE_WEAVE;
    rib = jersey;
    lay_out(d, &jersey, &c);
    cuffs_and_hem(d, &c, 26);
    rib.colour = colour_darker(jersey.colour, .04);
    paint_bar(d, &rib, 17,
              path(d, "M%.1f 258Q600 228 %.1f 258Q600 %.1f %.1f 258Z", 600 - c.neck, 600 + c.neck, 256 + c.dip * 2.2,
                   600 - c.neck));
    svg(d, "<rect x='578' y='254' width='44' height='20' rx='2' fill='#efe8da' fill-opacity='.85'/>");
}

static void draw_chore_jacket(struct drawing *d, const struct subject *s)
{
    struct cut c = {92, 58, 250, vary(s, 0, 230, 246), vary(s, 1, 930, 960), {346, 600}, {410, 890}, 98, 20};

    lay_out(d, &s->body, &c);
    cuffs_and_hem(d, &c, 34);
    dark_line(d, 2, .4, path(d, "M574 330V%.1fM628 340V%.1f", c.hem + 8, c.hem + 8));
    light_line(d, 1.6, .22, path(d, "M578 330V%.1fM624 340V%.1f", c.hem + 8, c.hem + 8));
    pocket(d, &s->body, 604 - c.half + 32, 700, 150, 170);
    pocket(d, &s->body, 446 + c.half - 32, 700, 150, 170);
    pocket(d, &s->body, 604 - c.half + 62, 450, 104, 116);
    if (s->number / 48 % 2)
        pocket(d, &s->body, 496 + c.half - 62, 450, 104, 116);
    collar(d, &s->body, 92, 120);
    buttons(d, 400, c.hem - 90, 5, 0xb59a6a);
}

static void draw_rain_jacket(struct drawing *d, const struct subject *s)
{
    struct cut c = {104, 30, 252, vary(s, 0, 232, 250), vary(s, 1, 940, 980), {348, 600}, {414, 890}, 98, 20};
    struct surface inside = s->body;
    const char *hood =
        "M470 300C440 200 500 110 600 110C700 110 760 200 730 300C700 350 640 372 600 376C560 372 500 350 470 300Z";
    const char *face =
        "M520 290C500 210 540 160 600 160C660 160 700 210 680 290C660 330 620 350 600 352C580 350 540 330 520 290Z";

    lay_out(d, &s->body, &c);
    cuffs_and_hem(d, &c, 40);
    flat_shadow(d, hood, 6);
    paint(d, &s->body, FORM_SOFT, hood);
    inside.colour = colour_darker(s->body.colour, .5);
    paint(d, &inside, FORM_INSIDE, face);
    dark_line(d, 4, .35, face);
    dark_line(d, 12, .28, path(d, "M600 352V%.1f", c.hem + 6));
    dark_line(d, 3, .8, path(d, "M600 352V%.1f", c.hem + 6));
    for (int side = -1; side < 2; side += 2) {
        double x = 600 + side * 130.0;

        dark_line(d, 3, .4, path(d, "M%.1f 690L%.1f 840", x - side * 20.0, x + side * 40.0));
        light_line(d, 2, .35, path(d, "M%.1f 690L%.1f 840", x - side * 20.0 + 4, x + side * 40.0 + 4));
        svg(d,
            "<path d='M%.1f 340q%.1f 60 %.1f 110' stroke='#e9e2d2' stroke-width='5' fill='none' "
            "stroke-linecap='round'/>",
            600 + side * 50.0, side * 12.0, side * 4.0);
    }
    light_line(d, 4, .3, path(d, "M%.1f 470Q600 500 %.1f 470", 612 - c.half, 588 + c.half));
    svg(d, "<rect x='592' y='372' width='16' height='34' rx='7' fill='#cfc8b9'/>");
}

const struct motif motifs_wear[] = {
    {"Rain Jacket", draw_rain_jacket, SCENE_LYING, {600, 560, 1080}, {600, 330, 440}},
    {"Linen Shirt", draw_shirt, SCENE_LYING, {600, 630, 1040}, {620, 400, 420}},
    {"Wool Jumper", draw_jumper, SCENE_LYING, {600, 600, 1020}, {600, 360, 420}},
    {"T-Shirt", draw_t_shirt, SCENE_LYING, {600, 610, 980}, {560, 360, 420}},
    {"Chore Jacket", draw_chore_jacket, SCENE_LYING, {600, 600, 1060}, {540, 500, 440}},
    {0},
};
