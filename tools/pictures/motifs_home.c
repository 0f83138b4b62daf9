/* Kitchen, tableware, coffee and tea. */
#include "tools/pictures/pictures.h"

static void draw_bowl(struct drawing *d, const struct subject *s)
{
    double r = 330;
    struct turn outline[] = {
        {r, 560, true}, {r * .96, 640, false}, {r * .74, 760, false}, {r * .42, 832, false}, {r * .38, 850, true}};

    ground_shadow(d, 600, 856, r * .48, r * .17);
    paint(d, &s->body, FORM_ROUND, turned(d, 600, outline, 5, .3));
    opening(d, &s->body, 600, 560, r, .3, 16);
}

const struct motif motifs_home[] = {
    {"Soup Bowl", draw_bowl, SCENE_STANDING, {480, 560, 360}},
    {0},
};
