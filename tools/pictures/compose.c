/* Puts a drawing before its backdrop and chooses what part of it is shown. */
#include "tools/pictures/pictures.h"

#include "services/catalog/seed_words.h"

#include "platform/base/err.h"

#include <math.h>

/* Of each category, three quiet grounds that belong together. */
static const struct {
    const char *category;
    uint32_t grounds[3];
} palettes[] = {
    {"kitchen", {0xe3d9cb, 0xd9d3c6, 0xdfcfc0}},        {"tableware", {0xdfd2ca, 0xd3d0c6, 0xdcc9bb}},
    {"coffee-and-tea", {0xd9c7b2, 0xcfc3b2, 0xdccfbf}}, {"lighting", {0x8d8378, 0x7d7a70, 0x94816f}},
    {"furniture", {0xdedad2, 0xd2d3cc, 0xdfd3c6}},      {"bed-and-bath", {0xd2d8d9, 0xdad5cd, 0xcfd4cf}},
    {"outdoor", {0xc9cfc2, 0xd5d2c3, 0xc3cccb}},        {"garden", {0xcfd6c2, 0xdad6c4, 0xc6cfc0}},
    {"clothing", {0xdedad4, 0xd5d6d3, 0xdfd5ca}},       {"bags", {0xdacbb9, 0xd2cabd, 0xdccfc6}},
    {"audio", {0xd0d3d4, 0xd6d1c9, 0xc9cdca}},          {"desk", {0xe2d7bf, 0xd8d5c9, 0xdccfbd}},
};

void backdrop(struct drawing *d, struct str category, size_t number, enum scene scene)
{
    size_t i = 0;

    while (!str_equal_cstr(category, palettes[i].category) && i + 1 < sizeof(palettes) / sizeof(palettes[0]))
        i++;
    d->ground = colour_of(palettes[i].grounds[number % 3]);
    svg(d, "<path d='M0 0H1200V1200H0Z' fill='%s'/>", hex(d, d->ground));
    if (scene == SCENE_STANDING)
        svg(d, "<path d='M0 0H1200V1200H0Z' fill='url(#sweep)'/>");
    svg(d, "<path d='M0 0H1200V1200H0Z' fill='url(#pool)'/>");
}

const struct motif *motif_find(const char *noun)
{
    const struct motif *const tables[] = {motifs_home,    motifs_coffee, motifs_interior, motifs_textile,
                                          motifs_outside, motifs_wear,   motifs_bags,     motifs_study};

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const struct motif *motif = tables[i]; motif->noun; motif++)
            if (strcmp(motif->noun, noun) == 0)
                return motif;
    return &motifs_home[0];
}

/* A square of the canvas, moved to where it does not reach past it. */
static void show(struct drawing *d, const double part[3])
{
    double most = CANVAS - part[2];

    d->view[0] = fmin(fmax(part[0] - part[2] / 2, 0), most);
    d->view[1] = fmin(fmax(part[1] - part[2] / 2, 0), most);
    d->view[2] = d->view[3] = part[2];
}

static int draw_product(struct drawing *d, const struct picture *picture)
{
    const struct motif *motif;
    struct subject subject;

    TRY(subject_make(d->arena, picture->number, &subject));
    motif = motif_find(subject.noun);
    backdrop(d, subject.category, picture->number / SEED_TYPES, motif->scene);
    motif->draw(d, &subject);
    show(d, picture->kind == PICTURE_CLOSE ? motif->close : motif->front);
    return 0;
}

int picture_draw(struct arena *arena, const struct picture *picture, struct buf *ret_svg)
{
    CLEANUP(drawing_free) struct drawing d;

    drawing_init(&d, arena, picture->number);
    if (picture->kind == PICTURE_CATEGORY)
        TRY(scene_draw_category(&d, picture->number));
    else if (picture->kind == PICTURE_HOME || picture->kind == PICTURE_HOME_TALL)
        TRY(scene_draw_home(&d, picture->kind == PICTURE_HOME_TALL));
    else
        TRY(draw_product(&d, picture));
    return drawing_finish(&d, picture->width, picture->height, ret_svg);
}
