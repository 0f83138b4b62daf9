/* Which pictures the shop has: of each product, category and the home page. */
#include "tools/pictures/pictures.h"

#include "services/catalog/attributes.h"
#include "services/catalog/seed_words.h"

#include "platform/base/err.h"

#define FRONT_PX 960
#define CLOSE_PX 640

/* "Alder Cast Iron Teapot" between "Alder " and " Teapot". */
static struct str material_of(struct str title, const char *noun)
{
    size_t series = (size_t)str_find_char(title, ' ') + 1;

    return str_slice(title, series, title.len - series - strlen(noun) - 1);
}

static struct surface accent_of(const struct subject *subject)
{
    const char *of_wood = str_equal_cstr(subject->choice, "Olive") ? "Olive Wood" : NULL;
    struct surface accent = surface_of(of_wood ? str_from_cstr(of_wood) : subject->choice, subject->choice);

    if (str_equal_cstr(subject->choice, "Wood"))
        accent = surface_of(subject->material, subject->choice);
    return accent;
}

int subject_make(struct arena *arena, size_t number, struct subject *ret_subject)
{
    const struct seed_type *type = &seed_types[number % SEED_TYPES];
    struct attribute attributes[ATTRIBUTES_MAX] = {0};
    struct catalog_product product;
    const char *reason;
    size_t count = 0;

    TRY(seed_product(arena, number, &product));
    TRY(sku_attributes_unpack(arena, product.skus[0].attributes, attributes, &count, &reason));
    *ret_subject = (struct subject){.number = number,
                                    .name = product.slug,
                                    .title = product.title,
                                    .category = product.category,
                                    .noun = type->noun,
                                    .material = material_of(product.title, type->noun),
                                    .choice = attributes[0].value,
                                    .choice_name = type->first_name};
    ret_subject->body = surface_of(ret_subject->material, ret_subject->choice);
    ret_subject->accent = accent_of(ret_subject);
    return 0;
}

static const char *lower(struct arena *arena, struct str words)
{
    char *text = arena_cstr(arena, words);

    for (char *c = text; c && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return text ? text : "";
}

static const char *front_alt(struct arena *arena, const struct subject *s)
{
    return arena_printf(arena, "%.*s, %s: %s.", STR_FORMAT(s->title), s->choice_name, lower(arena, s->choice));
}

static const char *close_alt(struct arena *arena, const struct subject *s)
{
    return arena_printf(arena, "The %s of %.*s, seen from close.", lower(arena, s->material), STR_FORMAT(s->title));
}

static int add_product(struct arena *arena, size_t number, struct picture *pictures)
{
    struct subject s;
    const char *key;

    TRY(subject_make(arena, number, &s));
    key = arena_printf(arena, "/pictures/%.*s", STR_FORMAT(s.name));
    pictures[0] = (struct picture){arena_cstr(arena, s.name),
                                   key,
                                   front_alt(arena, &s),
                                   number,
                                   PICTURE_FRONT,
                                   FRONT_PX,
                                   FRONT_PX,
                                   {FRONT_PX / 3, FRONT_PX / 2, FRONT_PX},
                                   3};
    pictures[1] = (struct picture){arena_printf(arena, "%.*s-close", STR_FORMAT(s.name)),
                                   key,
                                   close_alt(arena, &s),
                                   number,
                                   PICTURE_CLOSE,
                                   CLOSE_PX,
                                   CLOSE_PX,
                                   {CLOSE_PX / 2, CLOSE_PX},
                                   2};
    return pictures[1].name && pictures[1].alt && pictures[0].alt ? 0 : ERR_NO_MEMORY;
}

static int add_category(struct arena *arena, size_t number, struct picture *picture)
{
    const struct seed_category *category = &seed_categories[number];
    const char *name = arena_printf(arena, "category-%s", category->slug);
    const char *key = arena_printf(arena, "/pictures/category-%s", category->slug);
    const char *alt = arena_printf(arena, "Some of what there is in %s.", lower(arena, str_from_cstr(category->title)));

    *picture = (struct picture){name, key, alt, number, PICTURE_CATEGORY, 960, 720, {320, 480, 960}, 3};
    return name && key && alt ? 0 : ERR_NO_MEMORY;
}

static const struct picture home_pictures[] = {
    {"home",
     "/pictures/home",
     "A hall with a bench, a chair in the light of a lamp, and plants.",
     0,
     PICTURE_HOME,
     1920,
     800,
     {320, 640, 960, 1920},
     4},
    {"home-tall",
     "/pictures/home",
     "A chair in the light of a lamp.",
     0,
     PICTURE_HOME_TALL,
     960,
     1200,
     {320, 480, 960},
     3},
};

int pictures_list(struct arena *arena, struct picture *ret_pictures, size_t *ret_count)
{
    size_t count = 0;

    for (size_t i = 0; i < SEED_PRODUCTS; i++, count += 2)
        TRY(add_product(arena, i, ret_pictures + count));
    for (size_t i = 0; i < SEED_CATEGORIES; i++)
        TRY(add_category(arena, i, ret_pictures + count++));
    for (size_t i = 0; i < 2; i++)
        ret_pictures[count++] = home_pictures[i];
    *ret_count = count;
    return 0;
}
