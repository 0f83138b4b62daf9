/* The pictures of the demo catalog: which there are, how each is drawn, and how they become files.
 *
 * A picture's SVG is a pure function of the product that the seed makes; so is the manifest's entry, but for the
 * placeholder, which is a picture of the picture. */
#pragma once

#include "services/catalog/seed.h"
#include "tools/pictures/subject.h"

#define PICTURE_NAME_BYTES_MAX 96
#define PICTURE_WIDTHS_MAX 4
#define PICTURE_PATH_BYTES_MAX 4096
#define PICTURES_MAX 2048
#define MADE_HASH_BYTES 64

/* One picture to make. Its strings live as long as the arena that it was made with. */
struct picture {
    const char *name; /* the files are NAME-WIDTH.FORMAT */
    const char *key;  /* whose picture it is: a product's image_url */
    const char *alt;
    size_t number; /* of the product, or of the category */
    enum { PICTURE_FRONT, PICTURE_CLOSE, PICTURE_CATEGORY, PICTURE_HOME, PICTURE_HOME_TALL } kind;
    int width; /* of the largest file */
    int height;
    int widths[PICTURE_WIDTHS_MAX]; /* of its files, ascending; the largest is a whole multiple of each */
    size_t width_count;
};

/* -- What there is (list.c) ----------------------------------------------------------------------------------------*/

/* All pictures of the shop, those of one key next to each other. ERR_NO_MEMORY. */
int pictures_list(struct arena *arena, struct picture *ret_pictures, size_t *ret_count);

/* The product of that number in the words that a drawing needs. ERR_NO_MEMORY. */
int subject_make(struct arena *arena, size_t number, struct subject *ret_subject);

/* -- Drawing (compose.c) -------------------------------------------------------------------------------------------*/

/* Appends the SVG of a picture, as large as its largest file. ERR_TOO_LARGE, ERR_NO_MEMORY. */
int picture_draw(struct arena *arena, const struct picture *picture, struct buf *ret_svg);

typedef void draw_fn(struct drawing *d, const struct subject *subject);

enum scene {
    SCENE_STANDING, /* on a table, before a wall that runs into it */
    SCENE_LYING,    /* on a sheet, seen from above */
    SCENE_WALL      /* before a wall */
};

/* How a noun is drawn; what part of the canvas the picture shows, and what is worth a close look: the middle and the
 * width of a square. */
struct motif {
    const char *noun;
    draw_fn *draw;
    enum scene scene;
    double front[3];
    double close[3];
};

extern const struct motif motifs_home[];     /* kitchen, tableware */
extern const struct motif motifs_coffee[];   /* coffee and tea */
extern const struct motif motifs_interior[]; /* lighting, furniture */
extern const struct motif motifs_textile[];  /* bed and bath */
extern const struct motif motifs_outside[];  /* outdoor, garden */
extern const struct motif motifs_wear[];     /* clothing */
extern const struct motif motifs_bags[];     /* bags */
extern const struct motif motifs_study[];    /* audio, desk */

/* That of the noun; each noun of the seed has one. */
const struct motif *motif_find(const char *noun);

/* The canvas filled with the ground of a category; number chooses among its three. */
void backdrop(struct drawing *d, struct str category, size_t number, enum scene scene);

/* Several products together (scenes.c): a category, by its place in seed_categories, and the home page, wide or tall.
 * ERR_NO_MEMORY. */
int scene_draw_category(struct drawing *d, size_t category);
int scene_draw_home(struct drawing *d, bool tall);

/* -- Files (render.c) ----------------------------------------------------------------------------------------------*/

/* Where to, and as what, of "webp", "jpg" and "avif". */
struct target {
    const char *folder;
    const char *const *formats;
    size_t format_count;
};

/* The file of a picture, into PICTURE_PATH_BYTES_MAX bytes. */
void picture_path(char *ret_path, const struct picture *picture, int width, const char *folder, const char *format);

/* Renders an SVG and writes FOLDER/NAME-WIDTH.FORMAT for each width and format; its placeholder as a data: URL in the
 * arena. An error has said its reason on standard error. */
int picture_render(struct arena *arena, const struct picture *picture, struct str svg_text, const struct target *target,
                   const char **ret_placeholder);

/* -- What was made already (files.c) -------------------------------------------------------------------------------*/

/* Of a picture that is in its files: the hash of the drawing and how it was encoded, and its placeholder. */
struct made {
    char hash[MADE_HASH_BYTES + 1];
    const char *placeholder;
};

/* Reads FOLDER/made.txt; what is not there stays empty. ret_made has one a picture. ERR_NO_MEMORY, ERR_UNAVAILABLE. */
int made_load(struct arena *arena, const char *folder, const struct picture *pictures, size_t count,
              struct made *ret_made);
int made_save(const char *folder, const struct picture *pictures, size_t count, const struct made *made);

/* Writes pictures.json; a picture that has AVIF files is said to have them. ERR_UNAVAILABLE, ERR_NO_MEMORY. */
int manifest_write(const struct target *target, const struct picture *pictures, size_t count, const struct made *made);
