/* An SVG drawing under way, and what all drawings are made of: painted shapes under one studio light.
 *
 * The canvas is a square of 1,200 units. The light is large and soft and comes from the upper left, so every form has
 * its highlight left of the middle and its shadow to the lower right. A drawing is a pure function of what it is told:
 * numbers are printed with one decimal, chance comes from a seed. Running out of memory is kept in the drawing and seen
 * by drawing_finish. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/buf.h"

#define CANVAS 1200

/* sRGB, each 0 to 255. */
struct colour {
    double red;
    double green;
    double blue;
};

enum finish { FINISH_MATT, FINISH_GLOSS, FINISH_METAL };

enum texture {
    TEXTURE_NONE,
    TEXTURE_WOOD,
    TEXTURE_SPECKLE,
    TEXTURE_BRUSHED,
    TEXTURE_WEAVE,
    TEXTURE_LINEN,
    TEXTURE_TWILL,
    TEXTURE_KNIT,
    TEXTURE_TERRY,
    TEXTURE_WAFFLE,
    TEXTURE_RIPSTOP,
    TEXTURE_FELT,
    TEXTURE_LEATHER,
    TEXTURE_CORK,
    TEXTURE_RATTAN,
    TEXTURE_STONE,
    TEXTURE_MARBLE,
    TEXTURE_GRAIN,
    TEXTURE_DAMASCUS,
    TEXTURE_BAMBOO,
    TEXTURE_FABRIC,
    TEXTURE_COUNT
};

/* What a thing is made of, as light sees it. */
struct surface {
    struct colour colour;
    enum texture texture;
    enum finish finish;
    bool clear; /* glass: what is behind shows through */
};

/* How a shape turns away from the light. */
enum form {
    FORM_NONE,
    FORM_FLAT,   /* a plane that lies or faces us */
    FORM_ROUND,  /* a cylinder that stands */
    FORM_TUBE,   /* a cylinder that lies */
    FORM_BALL,   /* a sphere */
    FORM_INSIDE, /* the inside of a bowl, seen from above */
    FORM_SIDE,   /* a plane in the shade */
    FORM_SOFT    /* a cushion */
};

/* A point of the outline of a turned body: from its axis, and from the top of the canvas. */
struct turn {
    double radius;
    double y;
    bool corner; /* the outline has an edge here; else it goes through smoothly */
};

struct drawing {
    struct arena *arena;
    struct buf defs;
    struct buf body;
    uint64_t state; /* of chance */
    unsigned next_id;
    bool has_texture[TEXTURE_COUNT][2]; /* which patterns were made so far, across and upright */
    struct colour ground;               /* of the backdrop */
    double view[4];                     /* the part that is shown: left, top, width, height */
};

/* -- Colour --------------------------------------------------------------------------------------------------------*/

struct colour colour_of(uint32_t rgb);
struct colour colour_mix(struct colour a, struct colour b, double share_of_b);
struct colour colour_lighter(struct colour colour, double share); /* towards a warm white */
struct colour colour_darker(struct colour colour, double share);  /* towards a warm black */
double colour_luma(struct colour colour);                         /* 0 to 1 */
const char *hex(struct drawing *d, struct colour colour);         /* "#rrggbb" */

/* -- Chance --------------------------------------------------------------------------------------------------------*/

double chance(struct drawing *d, double from, double to);

/* -- SVG -----------------------------------------------------------------------------------------------------------*/

void drawing_init(struct drawing *d, struct arena *arena, uint64_t seed);
void drawing_free(struct drawing *d);

/* Adds elements to the picture, or to its definitions. */
void svg(struct drawing *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void svg_define(struct drawing *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A path's data, or any other text, in the drawing's arena; "" when there is no room. */
const char *path(struct drawing *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends the whole document, which is shown so large in pixels. ERR_TOO_LARGE, ERR_NO_MEMORY. */
int drawing_finish(struct drawing *d, int width, int height, struct buf *ret_svg);

/* -- Paint ---------------------------------------------------------------------------------------------------------*/

/* Fills a path with a surface under the light. Grain runs across; paint_upright has it run up and down. */
void paint(struct drawing *d, const struct surface *surface, enum form form, const char *path_data);
void paint_upright(struct drawing *d, const struct surface *surface, enum form form, const char *path_data);

/* A stroke of even width that looks like a round bar: dark below, the surface, a highlight on it. */
void paint_bar(struct drawing *d, const struct surface *surface, double width, const char *path_data);

/* Only the light of a form, without a surface. */
void shade(struct drawing *d, enum form form, enum finish finish, const char *path_data);

/* A fine line: an edge that catches light (white) or a joint (black), 0 to 1. */
void light_line(struct drawing *d, double width, double strength, const char *path_data);
void dark_line(struct drawing *d, double width, double strength, const char *path_data);

/* Soft folds on a cloth, within a path: where it turns away from the light, and towards it. */
void folds(struct drawing *d, const char *within, double width, double strength, const char *dark, const char *light);

/* The name of the pattern of a texture, made at its first use. */
const char *texture_fill(struct drawing *d, const struct surface *surface, bool upright);

/* -- Shadows -------------------------------------------------------------------------------------------------------*/

/* Of what stands on the ground: half its width and half its depth there. */
void ground_shadow(struct drawing *d, double x, double y, double radius_x, double radius_y);

/* Of a box with a straight foot, so wide to either side. */
void box_shadow(struct drawing *d, double x, double y, double half);

/* The two parts of it, for what stands on legs: the soft one around, and the dark one under a foot. */
void cast_shadow(struct drawing *d, double x, double y, double radius_x, double radius_y);
void touch_shadow(struct drawing *d, double x, double y, double radius);

/* Of what lies flat or hangs before a wall, so high above it. */
void flat_shadow(struct drawing *d, const char *path_data, double height);

/* -- Bodies --------------------------------------------------------------------------------------------------------*/

const char *ellipse(struct drawing *d, double x, double y, double radius_x, double radius_y);
const char *round_rect(struct drawing *d, double x, double y, double width, double height, double radius);

/* A polygon with rounded corners: count pairs of x, y. */
const char *round_polygon(struct drawing *d, const double *points, size_t count, double radius);

/* The outline of a turned body from its rim to its foot. tilt is how much of a circle is seen: 0 from the side, 1 from
 * above. */
const char *turned(struct drawing *d, double x, const struct turn *outline, size_t count, double tilt);

/* Its opening: a rim that thick, and the inside. */
void opening(struct drawing *d, const struct surface *surface, double x, double y, double radius, double tilt,
             double thickness);

/* Opens a group that is turned by degrees around the middle of the canvas; svg(d, "</g>") closes it. */
void turn_around(struct drawing *d, double degrees);
