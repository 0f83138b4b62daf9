/* The words of which the demo catalog is made: categories, kinds of products, materials, names of series. */
#pragma once

#include <stdint.h>
#include <stddef.h>

#define SEED_CATEGORIES 12
#define SEED_TYPES 48
#define SEED_SERIES 61

struct seed_category {
    const char *slug;
    const char *title;
    const char *brands;
    const char *closing[3]; /* the last sentence of a description */
};

/* What a material's sentence in a description is. */
struct seed_material {
    const char *name;
    const char *sentence;
};

/* A kind of product. Its variants are the first first_count values, from a place that differs by product, times all of
 * the second ones. Each second value costs rise percent more than the one before it; a pack costs nine tenths of its
 * pieces. */
struct seed_type {
    size_t category;
    const char *noun;
    const char *materials;
    const char *first_name;
    const char *first_values;
    size_t first_count;
    const char *second_name;
    const char *second_values;
    int64_t rise;
    int64_t price_min; /* EUR cents */
    int64_t price_max;
    const char *about; /* the first sentence of a description */
};

extern const struct seed_category seed_categories[SEED_CATEGORIES];
extern const struct seed_type seed_types[SEED_TYPES];
extern const char *const seed_series[SEED_SERIES];
extern const struct seed_material seed_materials[]; /* ends with a NULL name */
