/* What is drawn: a product of the demo catalog in the words that make it what it is. */
#pragma once

#include "platform/base/str.h"
#include "tools/pictures/drawing.h"

struct subject {
    size_t number;   /* of the product */
    struct str name; /* its slug */
    struct str title;
    struct str category; /* its slug */
    const char *noun;
    struct str material;
    struct str choice; /* the first value of its first variant: a colour, a finish, a handle */
    const char *choice_name;
    struct surface body;   /* its material in its colour */
    struct surface accent; /* the handle, seat, lid, finish that choice names; else a quiet match */
};

/* A part of the way from low to high that is the product's own and the same each time; index tells apart what varies.
 */
double vary(const struct subject *subject, unsigned index, double low, double high);

/* The surface of a material as it comes; what is painted, dyed or glazed takes the colour that choice names. */
struct surface surface_of(struct str material, struct str choice);
