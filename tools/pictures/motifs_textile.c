/* Bed and bath. */
#include "tools/pictures/pictures.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A layer of folded cloth: round at the left, where the fold is, open at the right. */
static const char *layer(struct drawing *d, double x, double y, double width, double height, double sag)
{
    return path(d,
                "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f"
                "C%.1f %.1f %.1f %.1f %.1f %.1fZ",
                x + 26, y, x + width * .35, y - sag, x + width * .7, y + sag, x + width - 16, y + 2, x + width + 8,
                y + 4, x + width + 8, y + height - 6, x + width - 14, y + height, x + width * .7, y + height + sag * .6,
                x + width * .3, y + height - sag * .6, x + 26, y + height, x - 22, y + height, x - 22, y, x + 26, y);
}

static void folded_layer(struct drawing *d, const struct surface *cloth, double x, double y, double width,
                         double height, double sag)
{
    const char *outline = layer(d, x, y, width, height, sag);

    paint(d, cloth, FORM_TUBE, outline);
    dark_line(d, 2.5, .22,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x + 14, y + height * .5, x + width * .3,
                   y + height * .5 - sag, x + width * .7, y + height * .5 + sag, x + width + 4, y + height * .52));
    light_line(d, 2, .30,
               path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x + 16, y + height * .5 + 4, x + width * .3,
                    y + height * .5 - sag + 4, x + width * .7, y + height * .5 + sag + 4, x + width + 2,
                    y + height * .52 + 4));
}

static void pillow(struct drawing *d, const struct surface *cloth, double x, double y, double w, double h, double plump)
{
    const char *outline =
        path(d,
             "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f"
             "C%.1f %.1f %.1f %.1f %.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fZ",
             x, y + 14, x + w * .28, y - plump, x + w * .72, y - plump, x + w, y + 8, x + w + plump * .5, y + h * .3,
             x + w + plump * .5, y + h * .72, x + w - 2, y + h, x + w * .7, y + h + plump * .8, x + w * .3,
             y + h + plump * .8, x + 2, y + h - 4, x - plump * .5, y + h * .7, x - plump * .5, y + h * .3, x, y + 14);

    paint(d, cloth, FORM_SOFT, outline);
    folds(d, outline, 24, .10,
          path(d,
               "M%.1f %.1fq%.1f 90 %.1f 120M%.1f %.1fq%.1f 70 %.1f 110M%.1f %.1fq%.1f -60 %.1f -90M%.1f %.1fq-60 -70 "
               "-150 -80",
               x + 14, y + 20, 40.0, 130.0, x + w - 14, y + 20, -30.0, -120.0, x + 14, y + h - 10, 40.0, 120.0,
               x + w - 12, y + h - 8),
          path(d, "M%.1f %.1fq60 90 160 110M%.1f %.1fq-60 80 -150 100M%.1f %.1fq80 -80 170 -90", x + 30, y + 14,
               x + w - 40, y + 18, x + 34, y + h - 6));
    dark_line(d, 2, .28,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x + 2, y + h - 6, x + w * .3, y + h + plump * .62,
                   x + w * .7, y + h + plump * .62, x + w - 4, y + h - 2));
}

static void draw_duvet_cover(struct drawing *d, const struct subject *s)
{
    double w = vary(s, 0, 640, 700), x = 600 - w / 2, sag = vary(s, 1, 3, 9);
    struct surface reverse = s->body;

    reverse.colour = colour_lighter(s->body.colour, .28);
    ground_shadow(d, 610, 950, w * .5, 26);
    folded_layer(d, &s->body, x, 852, w, 98, sag);
    folded_layer(d, &reverse, x + 8, 762, w - 22, 94, -sag);
    folded_layer(d, &s->body, x - 4, 676, w - 8, 90, sag);
    cast_shadow(d, 600, 682, w * .48, 30);
    pillow(d, &reverse, x + 60, 530, w - 140, 132, 34);
    pillow(d, &s->body, x + 78, 396, w - 168, 126, 36);
}

static void draw_towel(struct drawing *d, const struct subject *s)
{
    double w = vary(s, 0, 380, 440), x = 600 - w / 2, end = vary(s, 1, 930, 1000);
    struct surface rail = surface_of(s->number / 48 % 2 ? STR("Brass") : STR("Oak"), STR(""));
    const char *back = path(d, "M%.1f 300H%.1fL%.1f %.1fH%.1fZ", x + 16, x + w - 6, x + w - 2, end - 170, x + 20);
    const char *front =
        path(d,
             "M%.1f 296C%.1f 270 %.1f 270 %.1f 296C%.1f 500 %.1f 800 %.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f"
             "C%.1f 800 %.1f 520 %.1f 296Z",
             x, x + 20, x + w - 20, x + w, x + w + 10, x + w - 4, x + w + 6, end, x + w * .7, end + 14, x + w * .3,
             end - 8, x - 8, end + 4, x + 4, x - 8, x);
    struct surface dark = s->body;

    dark.colour = colour_darker(s->body.colour, .26);
    flat_shadow(d, front, 34);
    flat_shadow(d, round_rect(d, 190, 276, 820, 34, 17), 30);
    paint(d, &dark, FORM_NONE, back);
    paint(d, &rail, FORM_TUBE, round_rect(d, 180, 272, 840, 36, 18));
    paint(d, &s->body, FORM_FLAT, front);
    folds(d, front, 30, .26,
          path(d, "M%.1f 300C%.1f 520 %.1f 760 %.1f %.1fM%.1f 300C%.1f 560 %.1f 800 %.1f %.1f", x + w * .30,
               x + w * .36, x + w * .26, x + w * .32, end, x + w * .78, x + w * .72, x + w * .8, x + w * .74, end),
          path(d, "M%.1f 300C%.1f 520 %.1f 760 %.1f %.1fM%.1f 300C%.1f 560 %.1f 800 %.1f %.1f", x + w * .18,
               x + w * .22, x + w * .14, x + w * .18, end, x + w * .58, x + w * .54, x + w * .6, x + w * .56, end));
    for (int i = 0; i < 2; i++)
        dark_line(d, i ? 4 : 16, .16,
                  path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", x - 4, end - 120 + i * 26, x + w * .3,
                       end - 132 + i * 26.0, x + w * .7, end - 110 + i * 26, x + w + 4, end - 122 + i * 26));
    light_line(d, 5, .22, path(d, "M%.1f 292C%.1f 272 %.1f 272 %.1f 292", x + 6, x + 24, x + w - 24, x + w - 6));
}

static void fringe(struct drawing *d, const struct surface *wool, double x, double y, double width)
{
    for (double at = 4; at < width - 2; at += 11) {
        double sway = chance(d, -5, 5);

        svg(d, "<path d='M%.1f %.1fq%.1f 26 %.1f 46' stroke='%s' stroke-width='6' stroke-linecap='round' fill='none'/>",
            x + at, y - 4, sway, sway * .6, hex(d, colour_darker(wool->colour, chance(d, 0, .25))));
    }
}

static void draw_blanket(struct drawing *d, const struct subject *s)
{
    double w = vary(s, 0, 620, 680), x = 600 - w / 2;
    const char *body = round_rect(d, x, 300, w, 540, 26);
    struct surface stripe = s->body;
    bool striped = s->number / 48 % 2;

    stripe.colour =
        colour_luma(s->body.colour) > .5 ? colour_darker(s->body.colour, .35) : colour_lighter(s->body.colour, .5);
    turn_around(d, vary(s, 1, -9, 7));
    flat_shadow(d, round_rect(d, x, 300, w, 590, 26), 26);
    fringe(d, &s->body, x + 10, 880, w - 20);
    paint(d, &s->body, FORM_SIDE, round_rect(d, x + 6, 320, w - 8, 566, 20));
    paint(d, &s->body, FORM_FLAT, body);
    if (striped)
        for (int i = 0; i < 3; i++)
            paint(d, &stripe, FORM_FLAT,
                  path(d, "M%.1f %dH%.1fv%dH%.1fZ", x, 690 + i * 46, x + w, i == 1 ? 26 : 10, x));
    folds(d, body, 26, .22,
          path(d, "M%.1f 430C%.1f 470 %.1f 420 %.1f 460M%.1f 650C%.1f 610 %.1f 690 %.1f 640", x, x + w * .3, x + w * .6,
               x + w, x, x + w * .4, x + w * .7, x + w),
          path(d, "M%.1f 390C%.1f 430 %.1f 380 %.1f 420M%.1f 610C%.1f 570 %.1f 650 %.1f 600", x, x + w * .3, x + w * .6,
               x + w, x, x + w * .4, x + w * .7, x + w));
    dark_line(d, 4, .25, path(d, "M%.1f 838H%.1f", x + 20, x + w - 20));
    paint(d, &(struct surface){colour_of(0xefe6d6), TEXTURE_WEAVE, FINISH_MATT, false}, FORM_FLAT,
          path(d, "M%.1f 700h64v88h-64Z", x + w - 92));
    dark_line(d, 2, .3, path(d, "M%.1f 740h36M%.1f 752h24", x + w - 78, x + w - 78));
    svg(d, "</g>");
}

static void draw_pillow(struct drawing *d, const struct subject *s)
{
    double w = vary(s, 0, 640, 720), h = vary(s, 1, 380, 440), plump = 46;
    struct surface cloth = s->body;

    cloth.texture = TEXTURE_WEAVE;
    box_shadow(d, 600, 866, w * .42);
    if (str_equal_cstr(s->choice, "Soft"))
        plump = 30;
    if (str_equal_cstr(s->choice, "Firm"))
        plump = 58;
    pillow(d, &cloth, 600 - w / 2, 872 - h, w, h - 30, plump);
    dark_line(d, 3, .2, path(d, "M%.1f %.1fh34v50h-34Z", 600 + w / 2 - 30, 872 - h * .5));
}

const struct motif motifs_textile[] = {
    {"Duvet Cover", draw_duvet_cover, SCENE_STANDING, {600, 680, 940}, {470, 800, 400}},
    {"Bath Towel", draw_towel, SCENE_WALL, {600, 620, 1000}, {600, 840, 420}},
    {"Wool Blanket", draw_blanket, SCENE_LYING, {600, 610, 960}, {500, 780, 420}},
    {"Pillow", draw_pillow, SCENE_STANDING, {600, 680, 960}, {420, 620, 420}},
    {0},
};
