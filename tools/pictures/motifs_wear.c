/* Clothing, bags. */
#include "tools/pictures/pictures.h"

/* -- Clothing, laid flat ------------------------------------------------------------------------------------------------ */

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

static const char *garment(struct drawing *d, const struct cut *c)
{
    double l = 600, h = c->half, drop = 322 + (c->elbow[1] - 322) * .42;

    return path(
        d,
        "M%.1f 256C%.1f 268 %.1f 290 %.1f 322C%.1f 344 %.1f %.1f %.1f %.1fL%.1f %.1fL%.1f %.1fC%.1f %.1f %.1f 580 %.1f 520"
        "C%.1f 700 %.1f 860 %.1f %.1fQ600 %.1f %.1f %.1fC%.1f 860 %.1f 700 %.1f 520C%.1f 580 %.1f %.1f %.1f %.1fL%.1f %.1f"
        "L%.1f %.1fC%.1f %.1f %.1f 344 %.1f 322C%.1f 290 %.1f 268 %.1f 256Q600 %.1f %.1f 256Z",
        l - c->neck, l - c->neck - 40, l - c->shoulder + 40, l - c->shoulder, l - c->shoulder - 34, l - c->elbow[0] + 14,
        drop, l - c->elbow[0], c->elbow[1], l - c->cuff[0], c->cuff[1], l - c->cuff[0] + c->cuff_width,
        c->cuff[1] + c->cuff_rise, l - c->elbow[0] + c->cuff_width + 10, c->elbow[1] + c->cuff_rise, l - h - 26, l - h, l - h + 8,
        l - h + 4, l - h - 6, c->hem, c->hem + 14, l + h + 6, c->hem, l + h - 4, l + h - 8, l + h, l + h + 26,
        l + c->elbow[0] - c->cuff_width - 10, c->elbow[1] + c->cuff_rise, l + c->cuff[0] - c->cuff_width, c->cuff[1] + c->cuff_rise,
        l + c->cuff[0], c->cuff[1], l + c->elbow[0], c->elbow[1], l + c->elbow[0] - 14, drop, l + c->shoulder + 34,
        l + c->shoulder, l + c->shoulder - 40, l + c->neck + 40, l + c->neck, 256 + c->dip * 2, l - c->neck);
}

/* The cloth with its folds and seams. */
static const char *lay_out(struct drawing *d, const struct surface *cloth, const struct cut *c)
{
    const char *outline = garment(d, c);
    double h = c->half, e = c->elbow[0], y = c->elbow[1];
    struct surface back = *cloth;

    back.colour = colour_darker(cloth->colour, .34);
    flat_shadow(d, outline, 13);
    paint(d, &back, FORM_NONE, path(d, "M%.1f 258Q600 226 %.1f 258Q600 %.1f %.1f 258Z", 600 - c->neck, 600 + c->neck,
                                    256 + c->dip * 2.1, 600 - c->neck));
    paint(d, cloth, FORM_FLAT, outline);
    folds(d, outline, 24, .15,
          path(d, "M%.1f 520C%.1f 560 %.1f 620 %.1f 640M%.1f 520C%.1f 580 %.1f 620 %.1f 650M%.1f %.1fq40 -30 90 -20M%.1f %.1fq-40 -30 -90 -20"
                  "M%.1f %.1fC%.1f 800 %.1f 760 %.1f 720M%.1f %.1fC%.1f 860 %.1f 800 %.1f 700",
               604 - h, 660 - h, 690 - h, 720 - h, 596 + h, 540 + h, 510 + h, 490 + h, 600 - e, y, 600 + e, y, 640 - h, c->hem,
               660 - h, 650 - h, 640 - h, 560 + h, c->hem, 530 + h, 540 + h, 520 + h),
          path(d, "M%.1f 560C%.1f 600 %.1f 660 %.1f 690M%.1f 560C%.1f 620 %.1f 660 %.1f 700M%.1f %.1fq50 -20 90 -10M%.1f %.1fq-50 -20 -90 -10"
                  "M%.1f %.1fC%.1f 820 %.1f 780 %.1f 740",
               612 - h, 650 - h, 680 - h, 700 - h, 588 + h, 550 + h, 520 + h, 500 + h, 596 - e, y + 36, 604 + e, y + 36, 690 - h,
               c->hem, 700 - h, 690 - h, 690 - h));
    dark_line(d, 2.5, .26, path(d, "M%.1f 322C%.1f 400 %.1f 460 %.1f 522M%.1f 322C%.1f 400 %.1f 460 %.1f 522", 600 - c->shoulder + 8,
                                620 - c->shoulder, 620 - h, 602 - h, 592 + c->shoulder, 580 + c->shoulder, 580 + h, 598 + h));
    dark_line(d, 1.6, .3, outline);
    return outline;
}

static void cuffs_and_hem(struct drawing *d, const struct cut *c, double width)
{
    double lean = (c->cuff[0] - c->elbow[0]) / (c->cuff[1] - c->elbow[1] + 1);

    for (int side = -1; side < 2; side += 2)
        dark_line(d, 2.5, .32, path(d, "M%.1f %.1fL%.1f %.1f", 600 + side * (c->cuff[0] - lean * width), c->cuff[1] - width,
                                    600 + side * (c->cuff[0] - c->cuff_width - lean * width), c->cuff[1] + c->cuff_rise - width));
    dark_line(d, 2.5, .30, path(d, "M%.1f %.1fQ600 %.1f %.1f %.1f", 598 - c->half, c->hem - width, c->hem - width + 14, 602 + c->half,
                                c->hem - width));
}

static void buttons(struct drawing *d, double from, double to, int count, uint32_t rgb)
{
    for (int i = 0; i < count; i++) {
        double y = from + (to - from) * i / (count - 1);

        svg(d, "<circle cx='602' cy='%.1f' r='11' fill='#1c110a' fill-opacity='.35'/><circle cx='600' cy='%.1f' r='10' fill='%s'/>"
               "<circle cx='600' cy='%.1f' r='10' fill='url(#b1)'/>",
            y + 3, y, hex(d, colour_of(rgb)), y);
    }
}

static void collar(struct drawing *d, const struct surface *cloth, double neck, double drop)
{
    struct surface light = *cloth;

    light.colour = colour_lighter(cloth->colour, .07);
    for (int side = -1; side < 2; side += 2) {
        const char *wing = path(d, "M%.1f 240C%.1f 250 %.1f 300 600 %.1fL%.1f %.1fC%.1f 330 %.1f 280 %.1f 250Z", 600 + side * neck * .86,
                                600 + side * neck * .9, 600 + side * neck * .5, 256 + drop * .62, 600 + side * neck * 1.02, 256 + drop,
                                600 + side * neck * 1.2, 600 + side * neck * 1.3, 600 + side * neck * 1.08);

        folds(d, garment(d, &(struct cut){neck, 40, 260, 210, 900, {300, 600}, {300, 700}, 80, 0}), 12, .22,
              path(d, "M600 %.1fL%.1f %.1fL%.1f 330", 266 + drop * .62, 600 + side * neck * 1.04, 268 + drop, 600 + side * neck * 1.4), "M0 0");
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
    paint_bar(d, &rib, 26, path(d, "M%.1f 258Q600 228 %.1f 258Q600 %.1f %.1f 258Z", 600 - c.neck, 600 + c.neck, 256 + c.dip * 2.3,
                                600 - c.neck));
    for (int i = 0; i <= 16; i++) {
        double t = i / 16.0, x = 600 - c.neck + 2 * c.neck * t, y = 252 + 4 * c.dip * 1.15 * t * (1 - t);

        dark_line(d, 2, .16, path(d, "M%.1f %.1fl%.1f 20", x, y - 8, (t - .5) * 6));
    }
}

static void draw_t_shirt(struct drawing *d, const struct subject *s)
{
    struct cut c = {92, 40, 236, vary(s, 0, 214, 236), vary(s, 1, 930, 970), {330, 440}, {372, 560}, 142, 54};
    struct surface rib = s->body;

    lay_out(d, &s->body, &c);
    cuffs_and_hem(d, &c, 26);
    rib.colour = colour_darker(s->body.colour, .04);
    paint_bar(d, &rib, 17, path(d, "M%.1f 258Q600 228 %.1f 258Q600 %.1f %.1f 258Z", 600 - c.neck, 600 + c.neck, 256 + c.dip * 2.2,
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
    const char *hood = "M470 300C440 200 500 110 600 110C700 110 760 200 730 300C700 350 640 372 600 376C560 372 500 350 470 300Z";
    const char *face = "M520 290C500 210 540 160 600 160C660 160 700 210 680 290C660 330 620 350 600 352C580 350 540 330 520 290Z";

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
        svg(d, "<path d='M%.1f 340q%.1f 60 %.1f 110' stroke='#e9e2d2' stroke-width='5' fill='none' stroke-linecap='round'/>", 600 + side * 50.0,
            side * 12.0, side * 4.0);
    }
    light_line(d, 4, .3, path(d, "M%.1f 470Q600 500 %.1f 470", 612 - c.half, 588 + c.half));
    svg(d, "<rect x='592' y='372' width='16' height='34' rx='7' fill='#cfc8b9'/>");
}

/* -- Bags ------------------------------------------------------------------------------------------------------------- */

static struct surface leather_of(const struct subject *s)
{
    struct surface leather = surface_of(STR("Leather"), STR(""));

    if (str_equal_cstr(s->material, "Leather"))
        leather.colour = colour_darker(s->body.colour, .22);
    else if (s->number / 48 % 2)
        leather.colour = colour_of(0x3a2a20);
    return leather;
}

static void strap(struct drawing *d, const struct surface *leather, double x, double y, double height)
{
    svg(d, "<rect x='%.1f' y='%.1f' width='34' height='%.1f' rx='6' fill='#1c110a' fill-opacity='.3'/>", x - 14, y + 7, height);
    paint(d, leather, FORM_ROUND, round_rect(d, x - 17, y, 34, height, 6));
    svg(d, "<rect x='%.1f' y='%.1f' width='46' height='36' rx='6' fill='none' stroke='#b59a6a' stroke-width='7'/>", x - 23, y + height * .62);
    dark_line(d, 1.5, .35, path(d, "M%.1f %.1fv%.1fM%.1f %.1fv%.1f", x - 12, y + 4, height - 8, x + 12, y + 4, height - 8));
}

static void draw_rucksack(struct drawing *d, const struct subject *s)
{
    double half = vary(s, 0, 196, 220), x = 600 - half, w = 2 * half;
    struct surface leather = leather_of(s);
    const char *body = path(d, "M%.1f 930C%.1f 940 %.1f 920 %.1f 840L%.1f 470C%.1f 380 %.1f 330 600 330C%.1f 330 %.1f 380 %.1f 470L%.1f 840"
                               "C%.1f 920 %.1f 940 %.1f 930Z",
                            x + 40, x + 4, x - 8, x - 6, x + 10, x + 16, x + 70, x + w - 70, x + w - 16, x + w - 10, x + w + 6, x + w + 8,
                            x + w - 4, x + w - 40);
    const char *flap = path(d, "M%.1f 470C%.1f 370 %.1f 318 600 318C%.1f 318 %.1f 370 %.1f 470L%.1f 570C%.1f 620 %.1f 628 %.1f 628H%.1fC%.1f 628 "
                               "%.1f 620 %.1f 570Z",
                            x, x + 6, x + 70, x + w - 70, x + w - 6, x + w, x + w - 2, x + w - 6, x + w - 40, x + w - 70, x + 70, x + 40, x + 6,
                            x + 2);

    ground_shadow(d, 604, 930, half * .98, 34);
    paint_bar(d, &leather, 22, "M556 334C556 250 644 250 644 334");
    paint(d, &s->body, FORM_ROUND, path(d, "M%.1f 640C%.1f 640 %.1f 900 %.1f 916L%.1f 920V640Z", x + 10, x - 56, x - 50, x + 4, x + 60));
    paint(d, &s->body, FORM_ROUND, path(d, "M%.1f 640C%.1f 640 %.1f 900 %.1f 916L%.1f 920V640Z", x + w - 10, x + w + 56, x + w + 50, x + w - 4, x + w - 60));
    paint(d, &s->body, FORM_SOFT, body);
    svg(d, "<path d='%s' fill='#1c110a' fill-opacity='.2' transform='translate(4 16)'/>", flap);
    paint(d, &s->body, FORM_FLAT, round_rect(d, x + 40, 690, w - 80, 210, 26));
    dark_line(d, 2.5, .35, round_rect(d, x + 40, 690, w - 80, 210, 26));
    dark_line(d, 5, .5, path(d, "M%.1f 730H%.1f", x + 58, x + w - 58));
    light_line(d, 2, .3, path(d, "M%.1f 735H%.1f", x + 58, x + w - 58));
    paint(d, &s->body, FORM_SOFT, flap);
    folds(d, flap, 22, .22, path(d, "M%.1f 600C%.1f 560 %.1f 540 %.1f 500", x + 40, x + 80, x + 120, x + 130), path(d, "M%.1f 600C%.1f 560 %.1f 520 %.1f 470", x + w - 90, x + w - 120, x + w - 130, x + w - 150));
    dark_line(d, 2, .32, path(d, "M%.1f 606C%.1f 610 %.1f 610 %.1f 606", x + 50, x + 100, x + w - 100, x + w - 50));
    strap(d, &leather, 600 - half * .46, 520, 220);
    strap(d, &leather, 600 + half * .46, 520, 220);
    paint(d, &leather, FORM_FLAT, round_rect(d, 560, 830, 80, 44, 5));
}

static void draw_tote(struct drawing *d, const struct subject *s)
{
    double half = vary(s, 0, 226, 262), top = vary(s, 1, 500, 540), rise = vary(s, 2, 180, 230);
    struct surface leather = leather_of(s), inside = s->body;
    const struct surface *handle = s->number / 48 % 3 ? &s->body : &leather;
    const char *body = path(d, "M%.1f %.1fC%.1f 700 %.1f 860 %.1f 940Q600 968 %.1f 940C%.1f 860 %.1f 700 %.1f %.1fQ600 %.1f %.1f %.1fZ", 600 - half, top,
                            606 - half, 616 - half, 622 - half, 578 + half, 584 + half, 594 + half, 600 + half, top, top + 34, 600 - half, top);

    ground_shadow(d, 604, 944, half * .9, 32);
    inside.colour = colour_darker(s->body.colour, .5);
    paint_bar(d, handle, 26, path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 610 - half * .5, top, 610 - half * .46, top - rise - 40, 620 + half * .4,
                                  top - rise - 40, 620 + half * .46, top));
    paint(d, &inside, FORM_NONE, path(d, "M%.1f %.1fQ600 %.1f %.1f %.1fQ600 %.1f %.1f %.1fZ", 600 - half, top, top - 34, 600 + half, top, top + 36, 600 - half, top));
    paint(d, &s->body, FORM_FLAT, body);
    folds(d, body, 34, .26, path(d, "M%.1f %.1fC%.1f 680 %.1f 800 %.1f 930M%.1f %.1fC%.1f 680 %.1f 820 %.1f 930", 610 - half * .4, top + 30, 600 - half * .3,
                                 600 - half * .5, 600 - half * .4, 600 + half * .6, top + 40, 600 + half * .5, 600 + half * .7, 600 + half * .6),
          path(d, "M%.1f %.1fC%.1f 680 %.1f 800 %.1f 930M%.1f %.1fC%.1f 680 %.1f 820 %.1f 930", 600 - half * .1, top + 40, 600.0, 600 - half * .1, 600.0,
               600 + half * .3, top + 60, 600 + half * .2, 600 + half * .4, 600 + half * .3));
    dark_line(d, 2, .3, path(d, "M%.1f %.1fQ600 %.1f %.1f %.1f", 602 - half, top + 36, top + 70, 598 + half, top + 36));
    svg(d, "<path d='M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f' fill='none' stroke='#1c110a' stroke-opacity='.16' stroke-width='30' transform='translate(6 12)'/>", 600 - half * .5, top + 110, 604 - half * .52,
        top - rise, 604 + half * .5, top - rise, 600 + half * .5, top + 110);
    paint_bar(d, handle, 28, path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 600 - half * .5, top + 110, 604 - half * .52, top - rise, 604 + half * .5,
                                  top - rise, 600 + half * .5, top + 110));
    for (int side = -1; side < 2; side += 2)
        light_line(d, 2, .4, path(d, "M%.1f %.1fh18l-18 22h18Z", 591 + side * half * .5, top + 82));
}

static void draw_weekend_bag(struct drawing *d, const struct subject *s)
{
    double half = vary(s, 0, 350, 390), top = vary(s, 1, 560, 590);
    struct surface leather = leather_of(s);
    const char *body = path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f 600 %.1fC%.1f %.1f %.1f %.1f %.1f %.1fC%.1f 700 %.1f 850 %.1f 910Q600 940 %.1f 910"
                               "C%.1f 850 %.1f 700 %.1f %.1fZ",
                            640 - half, top + 30, 680 - half, top - 10, 500.0, top - 16, top - 16, 700.0, top - 16, 520 + half, top - 10, 560 + half,
                            top + 30, 610 + half, 612 + half, 570 + half, 630 - half, 588 - half, 590 - half, 640 - half, top + 30);

    ground_shadow(d, 606, 914, half * .92, 36);
    paint_bar(d, &leather, 22, path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 470.0, top + 10, 480.0, top - 190, 740.0, top - 190, 750.0, top + 10));
    paint(d, &s->body, FORM_SOFT, body);
    folds(d, body, 30, .24, path(d, "M%.1f 620C%.1f 700 %.1f 780 %.1f 890M%.1f 640C%.1f 720 %.1f 800 %.1f 880", 700 - half, 730 - half, 700 - half, 730 - half, 500 + half,
                                 480 + half, 510 + half, 490 + half),
          path(d, "M%.1f 620C%.1f 700 %.1f 780 %.1f 890M%.1f 640C%.1f 720 %.1f 800 %.1f 880", 760 - half, 790 - half, 760 - half, 790 - half, 440 + half,
               420 + half, 450 + half, 430 + half));
    dark_line(d, 7, .5, path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 670 - half, top + 30, 520.0, top + 2, 680.0, top + 2, 530 + half, top + 30));
    light_line(d, 2, .5, path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 670 - half, top + 36, 520.0, top + 8, 680.0, top + 8, 530 + half, top + 36));
    paint(d, &leather, FORM_FLAT, path(d, "M%.1f 910C%.1f 860 %.1f 800 %.1f 790C%.1f 800 %.1f 880 %.1f 922Z", 630 - half, 598 - half, 596 - half, 594 - half, 690 - half,
                                       730 - half, 740 - half));
    paint(d, &leather, FORM_FLAT, path(d, "M%.1f 910C%.1f 860 %.1f 800 %.1f 790C%.1f 800 %.1f 880 %.1f 922Z", 570 + half, 602 + half, 604 + half, 606 + half, 510 + half,
                                       470 + half, 460 + half));
    svg(d, "<path d='M430 %.1fC440 %.1f 720 %.1f 740 %.1f' fill='none' stroke='#1c110a' stroke-opacity='.2' stroke-width='26' transform='translate(8 16)'/>", top + 150, top - 160, top - 160, top + 150);
    paint_bar(d, &leather, 26, path(d, "M430 %.1fC440 %.1f 720 %.1f 740 %.1f", top + 150, top - 170, top - 170, top + 150));
    for (int side = 0; side < 2; side++)
        paint(d, &leather, FORM_FLAT, round_rect(d, side ? 716 : 404, top + 120, 50, 150, 10));
    for (int side = 0; side < 2; side++)
        svg(d, "<circle cx='%d' cy='%.1f' r='9' fill='#b59a6a'/><circle cx='%d' cy='%.1f' r='9' fill='url(#b2)'/>", side ? 741 : 429, top + 246, side ? 741 : 429, top + 246);
}

static void draw_wallet(struct drawing *d, const struct subject *s)
{
    double w = vary(s, 0, 540, 590), x = 600 - w / 2;
    const char *outer = round_rect(d, x, 420, w, 400, 34);
    struct surface card = {colour_of(0xe7dcc4), TEXTURE_NONE, FINISH_MATT, false}, darker = s->body;

    turn_around(d, vary(s, 1, -20, -8));
    flat_shadow(d, outer, 14);
    darker.colour = colour_darker(s->body.colour, .3);
    paint(d, &darker, FORM_NONE, round_rect(d, x + 6, 428, w - 4, 400, 34));
    paint(d, &card, FORM_FLAT, round_rect(d, x + 60, 380, w - 150, 200, 16));
    card.colour = colour_of(0x7d8b84);
    paint(d, &card, FORM_FLAT, round_rect(d, x + 84, 402, w - 190, 200, 16));
    paint(d, &s->body, FORM_FLAT, path(d, "M%.1f 454C%.1f 430 %.1f 430 %.1f 430H%.1fC%.1f 430 %.1f 430 %.1f 454V786C%.1f 812 %.1f 820 %.1f 820H%.1fC%.1f 820 %.1f 812 %.1f 786Z",
                                       x, x, x + 10, x + 34, x + w - 34, x + w - 10, x + w, x + w, x + w, x + w - 14, x + w - 34, x + 34, x + 14, x, x));
    svg(d, "<path d='%s' fill='none' stroke='#fff4df' stroke-opacity='.55' stroke-width='3' stroke-dasharray='13 8'/>", round_rect(d, x + 18, 448, w - 36, 354, 22));
    dark_line(d, 3, .3, path(d, "M%.1f 620H%.1f", x + 22, x + w - 22));
    light_line(d, 2, .3, path(d, "M%.1f 624H%.1f", x + 22, x + w - 22));
    dark_line(d, 2, .3, round_rect(d, x + w - 150, 716, 90, 40, 4));
    svg(d, "</g>");
}

const struct motif motifs_wear[] = {
    {"Rain Jacket", draw_rain_jacket, SCENE_LYING, {600, 560, 1080}, {600, 330, 440}},
    {"Linen Shirt", draw_shirt, SCENE_LYING, {600, 630, 1040}, {620, 400, 420}},
    {"Wool Jumper", draw_jumper, SCENE_LYING, {600, 600, 1020}, {600, 360, 420}},
    {"T-Shirt", draw_t_shirt, SCENE_LYING, {600, 610, 980}, {560, 360, 420}},
    {"Chore Jacket", draw_chore_jacket, SCENE_LYING, {600, 600, 1060}, {540, 500, 440}},
    {"Rucksack", draw_rucksack, SCENE_STANDING, {600, 620, 920}, {560, 560, 420}},
    {"Tote Bag", draw_tote, SCENE_STANDING, {600, 640, 940}, {480, 600, 420}},
    {"Weekend Bag", draw_weekend_bag, SCENE_STANDING, {600, 690, 1000}, {440, 720, 440}},
    {"Wallet", draw_wallet, SCENE_LYING, {600, 610, 960}, {480, 520, 420}},
    {0},
};
