/* Bags. */
#include "tools/pictures/pictures.h"

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
    svg(d, "<rect x='%.1f' y='%.1f' width='34' height='%.1f' rx='6' fill='#1c110a' fill-opacity='.3'/>", x - 14, y + 7,
        height);
    paint(d, leather, FORM_ROUND, round_rect(d, x - 17, y, 34, height, 6));
    svg(d, "<rect x='%.1f' y='%.1f' width='46' height='36' rx='6' fill='none' stroke='#b59a6a' stroke-width='7'/>",
        x - 23, y + height * .62);
    dark_line(d, 1.5, .35,
              path(d, "M%.1f %.1fv%.1fM%.1f %.1fv%.1f", x - 12, y + 4, height - 8, x + 12, y + 4, height - 8));
}

static void draw_rucksack(struct drawing *d, const struct subject *s)
{
    double half = vary(s, 0, 196, 220), x = 600 - half, w = 2 * half;
    struct surface leather = leather_of(s);
    const char *body = path(
        d,
        "M%.1f 930C%.1f 940 %.1f 920 %.1f 840L%.1f 470C%.1f 380 %.1f 330 600 330C%.1f 330 %.1f 380 %.1f 470L%.1f 840"
        "C%.1f 920 %.1f 940 %.1f 930Z",
        x + 40, x + 4, x - 8, x - 6, x + 10, x + 16, x + 70, x + w - 70, x + w - 16, x + w - 10, x + w + 6, x + w + 8,
        x + w - 4, x + w - 40);
    const char *flap = path(d,
                            "M%.1f 470C%.1f 370 %.1f 318 600 318C%.1f 318 %.1f 370 %.1f 470L%.1f 570C%.1f 620 %.1f 628 "
                            "%.1f 628H%.1fC%.1f 628 "
                            "%.1f 620 %.1f 570Z",
                            x, x + 6, x + 70, x + w - 70, x + w - 6, x + w, x + w - 2, x + w - 6, x + w - 40,
                            x + w - 70, x + 70, x + 40, x + 6, x + 2);

    ground_shadow(d, 604, 930, half * .98, 34);
    paint_bar(d, &leather, 22, "M556 334C556 250 644 250 644 334");
    paint(d, &s->body, FORM_ROUND,
          path(d, "M%.1f 640C%.1f 640 %.1f 900 %.1f 916L%.1f 920V640Z", x + 10, x - 56, x - 50, x + 4, x + 60));
    paint(d, &s->body, FORM_ROUND,
          path(d, "M%.1f 640C%.1f 640 %.1f 900 %.1f 916L%.1f 920V640Z", x + w - 10, x + w + 56, x + w + 50, x + w - 4,
               x + w - 60));
    paint(d, &s->body, FORM_SOFT, body);
    svg(d, "<path d='%s' fill='#1c110a' fill-opacity='.2' transform='translate(4 16)'/>", flap);
    paint(d, &s->body, FORM_FLAT, round_rect(d, x + 40, 690, w - 80, 210, 26));
    dark_line(d, 2.5, .35, round_rect(d, x + 40, 690, w - 80, 210, 26));
    dark_line(d, 5, .5, path(d, "M%.1f 730H%.1f", x + 58, x + w - 58));
    light_line(d, 2, .3, path(d, "M%.1f 735H%.1f", x + 58, x + w - 58));
    paint(d, &s->body, FORM_SOFT, flap);
    folds(d, flap, 22, .22, path(d, "M%.1f 600C%.1f 560 %.1f 540 %.1f 500", x + 40, x + 80, x + 120, x + 130),
          path(d, "M%.1f 600C%.1f 560 %.1f 520 %.1f 470", x + w - 90, x + w - 120, x + w - 130, x + w - 150));
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
    const char *body = path(
        d, "M%.1f %.1fC%.1f 700 %.1f 860 %.1f 940Q600 968 %.1f 940C%.1f 860 %.1f 700 %.1f %.1fQ600 %.1f %.1f %.1fZ",
        600 - half, top, 606 - half, 616 - half, 622 - half, 578 + half, 584 + half, 594 + half, 600 + half, top,
        top + 34, 600 - half, top);

    ground_shadow(d, 604, 944, half * .9, 32);
    inside.colour = colour_darker(s->body.colour, .5);
    paint_bar(d, handle, 26,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 610 - half * .5, top, 610 - half * .46,
                   top - rise - 40, 620 + half * .4, top - rise - 40, 620 + half * .46, top));
    paint(d, &inside, FORM_NONE,
          path(d, "M%.1f %.1fQ600 %.1f %.1f %.1fQ600 %.1f %.1f %.1fZ", 600 - half, top, top - 34, 600 + half, top,
               top + 36, 600 - half, top));
    paint(d, &s->body, FORM_FLAT, body);
    folds(d, body, 34, .26,
          path(d, "M%.1f %.1fC%.1f 680 %.1f 800 %.1f 930M%.1f %.1fC%.1f 680 %.1f 820 %.1f 930", 610 - half * .4,
               top + 30, 600 - half * .3, 600 - half * .5, 600 - half * .4, 600 + half * .6, top + 40, 600 + half * .5,
               600 + half * .7, 600 + half * .6),
          path(d, "M%.1f %.1fC%.1f 680 %.1f 800 %.1f 930M%.1f %.1fC%.1f 680 %.1f 820 %.1f 930", 600 - half * .1,
               top + 40, 600.0, 600 - half * .1, 600.0, 600 + half * .3, top + 60, 600 + half * .2, 600 + half * .4,
               600 + half * .3));
    dark_line(d, 2, .3, path(d, "M%.1f %.1fQ600 %.1f %.1f %.1f", 602 - half, top + 36, top + 70, 598 + half, top + 36));
    svg(d,
        "<path d='M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f' fill='none' stroke='#1c110a' stroke-opacity='.16' "
        "stroke-width='30' transform='translate(6 12)'/>",
        600 - half * .5, top + 110, 604 - half * .52, top - rise, 604 + half * .5, top - rise, 600 + half * .5,
        top + 110);
    paint_bar(d, handle, 28,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 600 - half * .5, top + 110, 604 - half * .52,
                   top - rise, 604 + half * .5, top - rise, 600 + half * .5, top + 110));
    for (int side = -1; side < 2; side += 2)
        light_line(d, 2, .4, path(d, "M%.1f %.1fh18l-18 22h18Z", 591 + side * half * .5, top + 82));
}

static void draw_weekend_bag(struct drawing *d, const struct subject *s)
{
    double half = vary(s, 0, 350, 390), top = vary(s, 1, 560, 590);
    struct surface leather = leather_of(s);
    const char *body = path(d,
                            "M%.1f %.1fC%.1f %.1f %.1f %.1f 600 %.1fC%.1f %.1f %.1f %.1f %.1f %.1fC%.1f 700 %.1f 850 "
                            "%.1f 910Q600 940 %.1f 910"
                            "C%.1f 850 %.1f 700 %.1f %.1fZ",
                            640 - half, top + 30, 680 - half, top - 10, 500.0, top - 16, top - 16, 700.0, top - 16,
                            520 + half, top - 10, 560 + half, top + 30, 610 + half, 612 + half, 570 + half, 630 - half,
                            588 - half, 590 - half, 640 - half, top + 30);

    ground_shadow(d, 606, 914, half * .92, 36);
    paint_bar(d, &leather, 22,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 470.0, top + 10, 480.0, top - 190, 740.0, top - 190,
                   750.0, top + 10));
    paint(d, &s->body, FORM_SOFT, body);
    folds(d, body, 30, .24,
          path(d, "M%.1f 620C%.1f 700 %.1f 780 %.1f 890M%.1f 640C%.1f 720 %.1f 800 %.1f 880", 700 - half, 730 - half,
               700 - half, 730 - half, 500 + half, 480 + half, 510 + half, 490 + half),
          path(d, "M%.1f 620C%.1f 700 %.1f 780 %.1f 890M%.1f 640C%.1f 720 %.1f 800 %.1f 880", 760 - half, 790 - half,
               760 - half, 790 - half, 440 + half, 420 + half, 450 + half, 430 + half));
    dark_line(d, 7, .5,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 670 - half, top + 30, 520.0, top + 2, 680.0, top + 2,
                   530 + half, top + 30));
    light_line(d, 2, .5,
               path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 670 - half, top + 36, 520.0, top + 8, 680.0, top + 8,
                    530 + half, top + 36));
    paint(d, &leather, FORM_FLAT,
          path(d, "M%.1f 910C%.1f 860 %.1f 800 %.1f 790C%.1f 800 %.1f 880 %.1f 922Z", 630 - half, 598 - half,
               596 - half, 594 - half, 690 - half, 730 - half, 740 - half));
    paint(d, &leather, FORM_FLAT,
          path(d, "M%.1f 910C%.1f 860 %.1f 800 %.1f 790C%.1f 800 %.1f 880 %.1f 922Z", 570 + half, 602 + half,
               604 + half, 606 + half, 510 + half, 470 + half, 460 + half));
    svg(d,
        "<path d='M430 %.1fC440 %.1f 720 %.1f 740 %.1f' fill='none' stroke='#1c110a' stroke-opacity='.2' "
        "stroke-width='26' transform='translate(8 16)'/>",
        top + 150, top - 160, top - 160, top + 150);
    paint_bar(d, &leather, 26,
              path(d, "M430 %.1fC440 %.1f 720 %.1f 740 %.1f", top + 150, top - 170, top - 170, top + 150));
    for (int side = 0; side < 2; side++)
        paint(d, &leather, FORM_FLAT, round_rect(d, side ? 716 : 404, top + 120, 50, 150, 10));
    for (int side = 0; side < 2; side++)
        svg(d, "<circle cx='%d' cy='%.1f' r='9' fill='#b59a6a'/><circle cx='%d' cy='%.1f' r='9' fill='url(#b2)'/>",
            side ? 741 : 429, top + 246, side ? 741 : 429, top + 246);
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
    paint(d, &s->body, FORM_FLAT,
          path(d,
               "M%.1f 454C%.1f 430 %.1f 430 %.1f 430H%.1fC%.1f 430 %.1f 430 %.1f 454V786C%.1f 812 %.1f 820 %.1f "
               "820H%.1fC%.1f 820 %.1f 812 %.1f 786Z",
               x, x, x + 10, x + 34, x + w - 34, x + w - 10, x + w, x + w, x + w, x + w - 14, x + w - 34, x + 34,
               x + 14, x, x));
    svg(d, "<path d='%s' fill='none' stroke='#fff4df' stroke-opacity='.55' stroke-width='3' stroke-dasharray='13 8'/>",
        round_rect(d, x + 18, 448, w - 36, 354, 22));
    dark_line(d, 3, .3, path(d, "M%.1f 620H%.1f", x + 22, x + w - 22));
    light_line(d, 2, .3, path(d, "M%.1f 624H%.1f", x + 22, x + w - 22));
    dark_line(d, 2, .3, round_rect(d, x + w - 150, 716, 90, 40, 4));
    svg(d, "</g>");
}

const struct motif motifs_bags[] = {
    {"Rucksack", draw_rucksack, SCENE_STANDING, {600, 620, 920}, {560, 560, 420}},
    {"Tote Bag", draw_tote, SCENE_STANDING, {600, 640, 940}, {480, 600, 420}},
    {"Weekend Bag", draw_weekend_bag, SCENE_STANDING, {600, 690, 1000}, {440, 720, 440}},
    {"Wallet", draw_wallet, SCENE_LYING, {600, 610, 960}, {480, 520, 420}},
    {0},
};
