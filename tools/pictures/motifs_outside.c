/* Outdoor, garden. */
#include "tools/pictures/pictures.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- Outdoor ------------------------------------------------------------------------------------------------------- */

static void draw_tent(struct drawing *d, const struct subject *s)
{
    double top = vary(s, 0, 400, 440), left = vary(s, 1, 130, 170);
    struct surface side = s->body, inner = s->body;
    const char *front =
        path(d, "M520 %.1fC450 %.1f 330 700 290 900H800C740 760 640 %.1f 520 %.1fZ", top, top + 120, top + 90, top);
    const char *flank =
        path(d, "M520 %.1fC640 %.1f 860 %.1f 950 560C1010 640 1050 760 1070 872L800 900C740 760 640 %.1f 520 %.1fZ",
             top, top + 4, top + 30, top + 90, top);
    const char *door = "M540 560C480 640 440 780 424 900H676C656 790 610 650 540 560Z";
    const char *flap = "M540 560C600 650 656 790 676 900H752C716 770 640 640 540 560Z";

    cast_shadow(d, 690, 900, 520, 70);
    dark_line(d, 3, .45, path(d, "M300 880L%.1f 930M1066 866L1150 910M520 %.1fL330 %.1f", left, top + 4, 620.0));
    side.colour = colour_darker(s->body.colour, .14);
    paint(d, &side, FORM_FLAT, flank);
    folds(d, flank, 24, .30, path(d, "M560 %.1fC720 560 800 740 840 900M840 480C900 600 940 760 960 890", top + 10),
          path(d, "M540 %.1fC700 540 770 720 806 890M800 470C870 590 900 740 920 890", top));
    paint(d, &s->body, FORM_FLAT, front);
    inner.colour = colour_darker(s->body.colour, .62);
    paint(d, &inner, FORM_NONE, door);
    svg(d, "<path d='M424 900C430 862 438 830 446 800C520 830 600 830 652 800C662 832 670 866 676 900Z' fill='#e8d9b8' "
           "fill-opacity='.32'/>");
    paint(d, &s->body, FORM_TUBE, flap);
    dark_line(d, 3, .3, flap);
    light_line(d, 4, .45, path(d, "M520 %.1fC640 %.1f 740 760 800 898", top + 2, top + 92));
    light_line(d, 2, .35, path(d, "M520 %.1fC450 %.1f 330 700 290 900", top, top + 120));
    dark_line(d, 7, .5, "M292 902H800L1070 874");
    dark_line(d, 3, .3, path(d, "M950 560C900 %.1f 700 %.1f 540 %.1f", top + 70, top + 30, top + 10));
}

static void draw_sleeping_bag(struct drawing *d, const struct subject *s)
{
    double foot = vary(s, 0, 150, 180);
    const char *bag = path(
        d,
        "M600 110C720 110 800 170 812 290C838 520 800 820 %.1f 1050C690 1100 510 1100 %.1f 1050C400 820 362 520 388 290"
        "C400 170 480 110 600 110Z",
        600 + foot, 600 - foot);
    struct surface lining = {colour_mix(s->body.colour, colour_of(0xe8d4ae), .75), TEXTURE_WEAVE, FINISH_MATT, false};
    const char *hood =
        "M600 170C690 170 740 220 740 300C740 372 690 410 600 410C510 410 460 372 460 300C460 220 510 170 600 170Z";

    turn_around(d, vary(s, 1, 14, 26));
    flat_shadow(d, bag, 26);
    paint(d, &s->body, FORM_ROUND, bag);
    for (int i = 0; i < 8; i++) {
        double y = 440 + i * 78.0;

        folds(d, bag, 26, .20, path(d, "M360 %.1fQ600 %.1f 840 %.1f", y, y + 46, y),
              path(d, "M360 %.1fQ600 %.1f 840 %.1f", y - 34, y + 12, y - 34));
        dark_line(d, 2, .30, path(d, "M%.1f %.1fQ600 %.1f %.1f %.1f", 386 + i * 5.6, y, y + 46, 814 - i * 5.6, y));
    }
    paint(d, &lining, FORM_INSIDE, hood);
    dark_line(d, 5, .35, hood);
    dark_line(d, 6, .5, "M700 392C720 540 716 700 690 800");
    light_line(d, 2, .5, "M704 392C724 540 720 700 694 800");
    svg(d, "<rect x='680' y='792' width='18' height='42' rx='8' fill='#d8d2c4'/></g>");
}

static void draw_bottle(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 118, 138), top = vary(s, 1, 380, 430);
    struct turn body[] = {
        {r * .56, top, true}, {r * .58, top + 24, false}, {r * .92, top + 96, false}, {r, top + 160, false},
        {r, 890, false},      {r - 16, 918, true}};
    struct turn cap[] = {{r * .5, top - 96, true}, {r * .56, top - 86, false}, {r * .56, top - 2, true}};
    struct surface lid = surface_of(s->number / 48 % 2 ? STR("Oak") : STR("Stainless Steel"), STR(""));
    const char *outline = turned(d, 600, body, COUNT(body), .14);

    ground_shadow(d, 600, 918, r, r * .2);
    paint(d, &s->body, FORM_ROUND, outline);
    if (s->body.clear) {
        svg(d, "<path d='M%.1f %.1fV%dA%.1f 18 0 0 0 %.1f %dV%.1fZ' fill='#9fc0c4' fill-opacity='.35'/>", 600 - r + 8,
            top + 210, 888, r, 592 + r, 888, top + 210);
        dark_line(d, 2.5, .25, outline);
        light_line(d, 12, .45, path(d, "M%.1f %.1fV840", 600 - r + 30, top + 180));
    }
    dark_line(d, 3, .3, path(d, "M%.1f %da%.1f %.1f 0 0 0 %.1f 0", 600 - r, 846, r, r * .14, 2 * r));
    light_line(d, 2, .3, path(d, "M%.1f %da%.1f %.1f 0 0 0 %.1f 0", 600 - r, 850, r, r * .14, 2 * r));
    paint_bar(d, &lid, 17,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f", 600 - r * .44, top - 80, 600 - r * .5, top - 190,
                   600 + r * .5, top - 190, 600 + r * .44, top - 80));
    paint(d, &lid, FORM_ROUND, turned(d, 600, cap, COUNT(cap), .14));
    paint(d, &lid, FORM_FLAT, ellipse(d, 600, top - 96, r * .5, r * .07));
    dark_line(d, 5, .35,
              path(d, "M%.1f %.1fa%.1f %.1f 0 0 0 %.1f 0", 600 - r * .57, top + 2, r * .57, r * .08, r * 1.14));
}

/* -- Garden -------------------------------------------------------------------------------------------------------- */

static void leaf(struct drawing *d, double x, double y, double angle, double length, double width, struct colour colour)
{
    struct surface green = {colour, TEXTURE_NONE, FINISH_MATT, false};

    svg(d, "<g transform='translate(%.1f %.1f) rotate(%.1f)'>", x, y, angle);
    paint(d, &green, FORM_TUBE,
          path(d, "M0 0C%.1f %.1f %.1f %.1f %.1f 0C%.1f %.1f %.1f %.1f 0 0Z", length * .25, -width, length * .75,
               -width * .9, length, length * .75, width * .7, length * .25, width));
    light_line(d, 2.5, .35, path(d, "M4 0Q%.1f -3 %.1f 0", length * .5, length * .92));
    svg(d, "</g>");
}

static void plant(struct drawing *d, const struct subject *s, double y)
{
    static const uint32_t greens[] = {0x59754f, 0x6d8460, 0x4b6650, 0x7c8f5e};
    size_t kind = s->number / 48 % 3;

    for (int i = 0; i < 17; i++) {
        double side = (i * 7 % 17) / 8.0 - 1, high = kind == 1 ? .75 : 1;
        struct colour green = colour_darker(colour_of(greens[(size_t)i % 4]), (i % 3) * .08);
        double stem = chance(d, 90, 250) * high, x = 600 + side * 60, tip = x + side * stem * .75;

        if (kind == 2) {
            leaf(d, x, y, -90 + side * 52, stem * 1.7, 21, green);
            continue;
        }
        svg(d, "<path d='M%.1f %.1fQ%.1f %.1f %.1f %.1f' stroke='%s' stroke-width='6' fill='none'/>", x, y, x,
            y - stem * .7, tip, y - stem, hex(d, colour_darker(green, .2)));
        leaf(d, tip, y - stem, -90 + side * 80, kind ? 120 : 150, kind ? 56 : 40, green);
    }
}

static void draw_plant_pot(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 200, 230), y = vary(s, 1, 600, 640);
    struct turn pot[] = {{r, y, true}, {r * .97, y + 60, false}, {r * .80, y + 220, false}, {r * .70, 896, true}};
    struct turn rim[] = {{r + 8, y, true}, {r + 8, y + 54, true}};
    struct turn saucer[] = {{r * .98, 892, true}, {r * .96, 908, false}, {r * .84, 922, true}};

    ground_shadow(d, 600, 918, r * .88, r * .19);
    paint(d, &s->body, FORM_ROUND, turned(d, 600, saucer, COUNT(saucer), .2));
    paint(d, &s->body, FORM_INSIDE, ellipse(d, 600, 892, r * .96, r * .185));
    paint(d, &s->body, FORM_ROUND, turned(d, 600, pot, COUNT(pot), .2));
    if (str_equal_cstr(s->material, "Terracotta")) {
        dark_line(d, 9, .22,
                  path(d, "M%.1f %.1fa%.1f %.1f 0 0 0 %.1f 0", 600 - r * .97, y + 62, r, r * .2, 2 * r * .97));
        paint(d, &s->body, FORM_ROUND, turned(d, 600, rim, COUNT(rim), .2));
        r += 8;
    }
    opening(d, &s->body, 600, y, r, .2, 18);
    svg(d, "<ellipse cx='602' cy='%.1f' rx='%.1f' ry='%.1f' fill='#3a2a1e'/>", y + 10, r - 26, r * .14);
    plant(d, s, y + 8);
}

static void draw_secateurs(struct drawing *d, const struct subject *s)
{
    double open = vary(s, 0, 5, 12);
    struct surface grip = s->accent, steel = s->body;
    const char *handle = "M588 590C560 660 520 740 490 850C478 910 486 980 506 1040C514 1064 548 1062 552 1036C556 960 "
                         "566 900 586 830C604 760 622 690 640 610Z";
    const char *other = "M612 590C640 660 690 730 716 840C728 900 724 960 706 1030C698 1056 664 1052 660 1028C664 960 "
                        "660 900 640 830C618 750 590 690 570 620Z";

    turn_around(d, vary(s, 1, 24, 38));
    flat_shadow(d, path(d, "%s%sM560 600C540 500 560 300 600 170C660 280 680 480 650 600Z", handle, other), 7);
    svg(d, "<g transform='rotate(%.1f 606 600)'>", open);
    paint(d, &steel, FORM_FLAT,
          "M566 620C540 540 520 460 540 380C556 330 590 300 620 290C606 340 604 380 612 430C622 490 640 550 652 600Z");
    paint_upright(d, &grip, FORM_ROUND, handle);
    svg(d, "</g>");
    svg(d, "<g transform='rotate(%.1f 606 600)'>", -open);
    paint(d, &steel, FORM_FLAT, "M580 630C566 540 560 400 600 190C664 280 690 440 664 560C658 590 650 610 640 630Z");
    svg(d, "<path d='M600 190C664 280 690 440 664 560C668 440 650 300 600 190Z' fill='#fffaf0' fill-opacity='.55'/>");
    paint_upright(d, &grip, FORM_ROUND, other);
    svg(d, "</g>");
    svg(d, "<circle cx='608' cy='604' r='30' fill='#8f9091'/><circle cx='608' cy='604' r='30' fill='url(#b2)'/><circle "
           "cx='608' cy='604' "
           "r='13' fill='#3a3836'/>");
    dark_line(d, 6, .55, "M596 700l22 8l-26 12l26 12l-26 12l26 12l-26 12");
    svg(d, "</g>");
}

static void draw_watering_can(struct drawing *d, const struct subject *s)
{
    double r = vary(s, 0, 180, 204), top = vary(s, 1, 560, 590);
    struct turn body[] = {
        {r * .86, top, true}, {r * .9, top + 20, false}, {r, top + 110, false}, {r, 880, false}, {r - 4, 900, true}};
    bool natural = s->body.finish != FINISH_METAL || str_equal_cstr(s->choice, "Natural");
    struct surface rose = natural ? s->body : s->accent;
    double x = 640;

    ground_shadow(d, x, 900, r, r * .2);
    paint_bar(d, &s->body, 34, path(d, "M%.1f 820C%.1f 760 %.1f 600 236 452", x - r + 10, x - r - 100, x - r - 120));
    paint_bar(d, &s->body, 9, path(d, "M330 560L%.1f %.1f", x - r * .8, top + 30));
    svg(d, "<g transform='rotate(-32 220 440)'>");
    paint(d, &rose, FORM_ROUND, "M200 480L160 400H280L240 480Z");
    paint(d, &rose, FORM_FLAT, ellipse(d, 220, 400, 60, 17));
    for (int i = 0; i < 7; i++)
        svg(d, "<circle cx='%d' cy='%d' r='3.500' fill='#1c110a' fill-opacity='.6'/>", 184 + i * 12, 396 + i % 2 * 8);
    svg(d, "</g>");
    paint_bar(d, &rose, 24,
              path(d, "M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fC%.1f 700 %.1f 760 %.1f 800", x - r * .4, top,
                   x - r * .3, top - 220, x + r * 1.1, top - 220, x + r * 1.5, top + 60, x + r * 1.6, x + r * 1.4,
                   x + r * .98));
    paint(d, &s->body, FORM_ROUND, turned(d, x, body, COUNT(body), .2));
    opening(d, &s->body, x, top, r * .86, .2, 8);
    paint(d, &s->body, FORM_FLAT,
          path(d, "M%.1f %.1fA%.1f %.1f 0 0 1 %.1f %.1fQ%.1f %.1f %.1f %.1fZ", x - r * .86, top, r * .86, r * .172,
               x + r * .1, top - r * .17, x - r * .2, top + r * .02, x - r * .1, top + r * .17));
    for (int i = 0; i < 2; i++) {
        double y = i ? 860 : top + 120;

        dark_line(d, 3, .3, path(d, "M%.1f %.1fa%.1f %.1f 0 0 0 %.1f 0", x - r, y, r, r * .2, 2 * r));
        light_line(d, 3, .35, path(d, "M%.1f %.1fa%.1f %.1f 0 0 0 %.1f 0", x - r, y + 4, r, r * .2, 2 * r));
    }
}

static void draw_trowel(struct drawing *d, const struct subject *s)
{
    double w = vary(s, 0, 96, 124);
    const char *blade = path(d,
                             "M600 180C%.1f 250 %.1f 380 %.1f 520C%.1f 590 640 610 628 640H572C560 610 %.1f 590 %.1f "
                             "520C%.1f 380 %.1f 250 600 180Z",
                             600 + w * .8, 600 + w, 600 + w, 600 + w, 600 - w, 600 - w, 600 - w, 600 - w * .8);
    const char *handle = "M576 780C556 800 550 860 560 920C566 960 556 1000 562 1040C568 1072 632 1072 638 1040C644 "
                         "1000 634 960 640 920C650 860 644 800 624 780Z";

    turn_around(d, vary(s, 1, 30, 44));
    flat_shadow(d, path(d, "%s%sM586 630H614V790H586Z", blade, handle), 8);
    paint_bar(d, &s->body, 27, "M600 610V800");
    paint_upright(d, &s->body, FORM_ROUND, blade);
    svg(d, "<path d='%s' fill='url(#i2)' fill-opacity='.5'/>", blade);
    light_line(d, 3, .5, path(d, "M600 184C%.1f 254 %.1f 380 %.1f 516", 600 - w * .78, 603 - w, 603 - w));
    for (int i = 0; i < 4; i++)
        dark_line(d, 3, .32, path(d, "M%d %dh%d", 600 - (i % 2 ? 16 : 26), 330 + i * 56, i % 2 ? 32 : 52));
    paint_upright(d, &s->accent, FORM_ROUND, handle);
    paint(d, &s->body, FORM_ROUND, "M574 772H626V808H574Z");
    paint_bar(d, &(struct surface){colour_of(0x8a5a38), TEXTURE_NONE, FINISH_MATT, false}, 8,
              "M600 1048C560 1100 640 1130 640 1090C640 1060 610 1060 600 1050");
    svg(d, "</g>");
}

const struct motif motifs_outside[] = {
    {"Tent", draw_tent, SCENE_STANDING, {640, 690, 1080}, {640, 640, 440}},
    {"Sleeping Bag", draw_sleeping_bag, SCENE_LYING, {600, 600, 1120}, {700, 300, 440}},
    {"Water Bottle", draw_bottle, SCENE_STANDING, {600, 610, 920}, {600, 480, 400}},
    {"Plant Pot", draw_plant_pot, SCENE_STANDING, {600, 640, 920}, {600, 700, 420}},
    {"Secateurs", draw_secateurs, SCENE_LYING, {600, 620, 1020}, {620, 600, 420}},
    {"Watering Can", draw_watering_can, SCENE_STANDING, {590, 660, 1020}, {660, 640, 420}},
    {"Garden Trowel", draw_trowel, SCENE_LYING, {600, 620, 1020}, {640, 480, 420}},
    {0},
};
