/* The pictures of categories and of the home page: several products in one light. */
#include "tools/pictures/pictures.h"

#include "services/catalog/seed_words.h"

#include "platform/base/err.h"

/* Where a product stands. */
struct place {
    size_t type;    /* of seed_types */
    size_t variant; /* which of the products of that type */
    double x;
    double foot; /* where its own 900 comes to lie, which is the ground of most that stands; the middle of what lies is
                    600 */
    double scale;
};

#define PLACES_MAX 9

struct arrangement {
    enum scene scene;
    struct place places[PLACES_MAX]; /* from the back to the front; ends with a scale of 0 */
};

/* By the order of seed_categories. */
static const struct arrangement arrangements[SEED_CATEGORIES] = {
    {SCENE_STANDING, {{3, 4, 300, 800, .80}, {3, 9, 500, 850, .58}, {0, 0, 800, 960, .72}}},
    {SCENE_STANDING, {{7, 1, 900, 800, .66}, {4, 3, 430, 990, .80}, {5, 2, 800, 900, .56}}},
    {SCENE_STANDING, {{9, 0, 860, 810, .74}, {8, 1, 400, 840, .84}, {10, 1, 660, 920, .46}}},
    {SCENE_STANDING, {{13, 0, 850, 660, .72}, {12, 3, 380, 880, .84}}},
    {SCENE_STANDING, {{17, 0, 380, 810, .74}, {16, 1, 860, 850, .72}}},
    {SCENE_STANDING, {{20, 0, 440, 860, .80}, {23, 8, 870, 890, .56}}},
    {SCENE_STANDING, {{24, 0, 500, 830, .80}, {27, 1, 930, 890, .46}, {27, 8, 1050, 920, .40}}},
    {SCENE_STANDING, {{28, 0, 350, 830, .80}, {30, 2, 810, 880, .66}}},
    {SCENE_LYING, {{33, 8, 370, 890, .66}, {35, 6, 850, 910, .66}}},
    {SCENE_STANDING, {{36, 0, 370, 830, .74}, {38, 2, 800, 900, .68}}},
    {SCENE_STANDING, {{42, 1, 440, 850, .76}, {40, 0, 930, 890, .50}}},
    {SCENE_LYING, {{44, 1, 380, 900, .80}, {45, 2, 860, 900, .72}}},
};

/* The canvas is 2,400 wide: a hall with a bench, a chair in the light of a lamp, and what stands about. */
static const struct arrangement home = {
    SCENE_STANDING,
    {{13, 0, 2010, 440, .50},
     {19, 4, 760, 880, 1.0},
     {12, 3, 520, 632, .52},
     {28, 0, 1000, 632, .50},
     {8, 3, 770, 632, .34},
     {17, 0, 1500, 830, .84},
     {36, 2, 1200, 900, .48},
     {16, 1, 2010, 860, .70},
     {10, 0, 2010, 610, .28}},
};

static int draw_place(struct drawing *d, const struct place *place)
{
    const struct motif *motif = motif_find(seed_types[place->type].noun);
    struct subject subject;

    TRY(subject_make(d->arena, place->type + place->variant * SEED_TYPES, &subject));
    svg(d, "<g transform='translate(%.1f %.1f) scale(%.3f)'>", place->x - 600 * place->scale,
        place->foot - 900 * place->scale, place->scale);
    motif->draw(d, &subject);
    svg(d, "</g>");
    return 0;
}

static int draw_places(struct drawing *d, const struct arrangement *arrangement)
{
    for (size_t i = 0; i < PLACES_MAX && arrangement->places[i].scale > 0; i++)
        TRY(draw_place(d, &arrangement->places[i]));
    return 0;
}

int scene_draw_category(struct drawing *d, size_t category)
{
    backdrop(d, str_from_cstr(seed_categories[category].slug), 0, arrangements[category].scene);
    memcpy(d->view, (double[4]){0, 150, 1200, 900}, sizeof(d->view));
    return draw_places(d, &arrangements[category]);
}

/* What the sun throws on the wall through a window of six panes. */
static void window_light(struct drawing *d)
{
    svg(d, "<g transform='translate(1150 130) skewX(-14) skewY(7)' fill='#fff6e2' fill-opacity='.30'>");
    for (int soft = 0; soft < 3; soft++)
        for (int i = 0; i < 6; i++)
            svg(d, "<path d='%s' fill-opacity='.13'/>",
                round_rect(d, i % 3 * 150 + soft * 3, i / 3 * 210.0 + soft * 3, 138 - soft * 6, 196 - soft * 6, 6));
    svg(d, "</g>");
}

int scene_draw_home(struct drawing *d, bool tall)
{
    svg(d, "<g transform='scale(2 1)'>");
    backdrop(d, STR("kitchen"), 1, SCENE_STANDING);
    svg(d, "</g>");
    window_light(d);
    memcpy(d->view, tall ? (double[4]){1290, 100, 880, 1100} : (double[4]){0, 100, 2400, 1000}, sizeof(d->view));
    return draw_places(d, &home);
}
