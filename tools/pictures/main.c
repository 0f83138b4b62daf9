/* draw_pictures FOLDER: draws the demo catalog and writes its pictures and their manifest, pictures.json, into the
 * folder. What is there already, of the same drawing, stays. Pictures are made side by side, one a processor. */
#include "tools/pictures/pictures.h"

#include "platform/base/encode.h"
#include "platform/base/err.h"
#include "platform/base/hash.h"
#include "platform/base/task.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

/* Changes when files must be made anew although their drawings are the same: another quality, width or encoder. */
#define ENCODING "1"

#define ARENA_BYTES ((size_t)64 << 20)
#define SVG_FILE_BYTES_MAX ((size_t)1 << 20)
#define TASKS_MAX 64
#define DRAWN_BETWEEN_SAVES 100

static const char *const basic_formats[] = {"webp", "jpg"};
static const char *const avif_formats[] = {"avif"};

/* What all tasks work on. */
struct work {
    struct picture pictures[PICTURES_MAX];
    struct made made[PICTURES_MAX];
    size_t count;
    struct target target;
    const char *only;       /* what a picture's name begins with; "" for all */
    const char *svg_folder; /* the drawings are written there instead of the pictures; or NULL */
    atomic_size_t next;
    struct task_mutex mutex; /* of what follows, and of what tasks write into made */
    size_t drawn;
    atomic_int error;
};

struct maker {
    struct work *work;
    struct arena *kept; /* of the placeholders */
    struct task *task;
};

static bool files_exist(const struct picture *picture, const struct target *target)
{
    char file[PICTURE_PATH_BYTES_MAX];

    for (size_t i = 0; i < picture->width_count; i++)
        for (size_t j = 0; j < target->format_count; j++) {
            picture_path(file, picture, picture->widths[i], target->folder, target->formats[j]);
            if (access(file, F_OK) != 0)
                return false;
        }
    return true;
}

/* Those of an older drawing. */
static void remove_avif(const struct picture *picture, const char *folder)
{
    char file[PICTURE_PATH_BYTES_MAX];

    for (size_t i = 0; i < picture->width_count; i++) {
        picture_path(file, picture, picture->widths[i], folder, "avif");
        unlink(file);
    }
}

static void hash_drawing(struct str svg_text, char ret_hash[MADE_HASH_BYTES + 1])
{
    unsigned char hash[HASH_SHA256_BYTES];

    hash_sha256(svg_text, hash);
    encode_hex_into(ret_hash, str_from(hash, sizeof(hash)));
    ret_hash[MADE_HASH_BYTES] = '\0';
}

static int write_svg(const struct work *work, const struct picture *picture, struct str svg_text)
{
    char file[PICTURE_PATH_BYTES_MAX];
    FILE *out;
    bool good;

    snprintf(file, sizeof(file), "%s/%s.svg", work->svg_folder, picture->name);
    out = fopen(file, "wbe");
    good = out && fwrite(svg_text.ptr, 1, svg_text.len, out) == svg_text.len;
    if (out && fclose(out))
        good = false;
    if (good)
        return 0;
    perror(file);
    return ERR_UNAVAILABLE;
}

static int make(struct work *work, size_t index, struct arena *arena, struct arena *kept)
{
    CLEANUP(buf_free) struct buf svg_text = BUF(SVG_FILE_BYTES_MAX);
    const struct picture *picture = &work->pictures[index];
    struct made *made = &work->made[index];
    char hash[MADE_HASH_BYTES + 1];
    const char *placeholder;
    bool same;

    buf_append_cstr(&svg_text, "<!-- " ENCODING " -->");
    TRY(picture_draw(arena, picture, &svg_text));
    if (work->svg_folder)
        return write_svg(work, picture, buf_str(&svg_text));
    hash_drawing(buf_str(&svg_text), hash);
    same = made->placeholder && strcmp(hash, made->hash) == 0;
    if (same && files_exist(picture, &work->target))
        return 0;
    if (!same)
        remove_avif(picture, work->target.folder);
    TRY(picture_render(kept, picture, buf_str(&svg_text), &work->target, &placeholder));
    TASK_LOCKED(&work->mutex);
    made->placeholder = placeholder;
    memcpy(made->hash, hash, sizeof(hash));
    /* So that a build that is interrupted goes on where it was. */
    if (++work->drawn % DRAWN_BETWEEN_SAVES == 0)
        return made_save(work->target.folder, work->pictures, work->count, work->made);
    return 0;
}

static void make_pictures(void *argument)
{
    struct maker *maker = argument;
    struct work *work = maker->work;
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    size_t index;

    while (arena && !atomic_load(&work->error) && (index = atomic_fetch_add(&work->next, 1)) < work->count) {
        int error = 0;

        if (strncmp(work->pictures[index].name, work->only, strlen(work->only)) == 0)
            error = make(work, index, arena, maker->kept);
        if (error)
            atomic_store(&work->error, error);
        arena_reset(arena);
    }
    if (!arena)
        atomic_store(&work->error, ERR_NO_MEMORY);
    vips_thread_shutdown();
}

static int make_all(struct work *work)
{
    struct maker makers[TASKS_MAX] = {0};
    unsigned count = task_processor_count() < TASKS_MAX ? task_processor_count() : TASKS_MAX;

    for (unsigned i = 0; i < count; i++) {
        makers[i] = (struct maker){work, arena_new(ARENA_BYTES), NULL};
        if (!makers[i].kept || task_start(&makers[i].task, "pictures", make_pictures, &makers[i]))
            atomic_store(&work->error, ERR_NO_MEMORY);
    }
    for (unsigned i = 0; i < count; i++)
        task_join(makers[i].task);
    if (!work->svg_folder && made_save(work->target.folder, work->pictures, work->count, work->made) &&
        !atomic_load(&work->error))
        atomic_store(&work->error, ERR_UNAVAILABLE);
    if (!work->svg_folder && !atomic_load(&work->error))
        atomic_store(&work->error, manifest_write(&work->target, work->pictures, work->count, work->made));
    for (unsigned i = 0; i < count; i++)
        arena_free(makers[i].kept);
    return atomic_load(&work->error);
}

static int run(struct work *work, struct arena *arena)
{
    TRY(pictures_list(arena, work->pictures, &work->count));
    if (!work->svg_folder)
        TRY(made_load(arena, work->target.folder, work->pictures, work->count, work->made));
    return make_all(work);
}

int main(int argc, char **argv)
{
    static struct work work = {.target = {NULL, basic_formats, 2}, .only = ""};
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    bool good = true;
    int at = 1, error;

    for (; at + 1 < argc && good; at++) {
        if (strcmp(argv[at], "--avif") == 0)
            work.target = (struct target){NULL, avif_formats, 1};
        else if (strcmp(argv[at], "--svg") == 0)
            work.svg_folder = argv[argc - 1];
        else if (strncmp(argv[at], "--only=", 7) == 0)
            work.only = argv[at] + 7;
        else
            good = false;
    }
    if (!good || at != argc - 1 || argv[at][0] == '-') {
        fprintf(stderr, "usage: draw_pictures [--avif | --svg] [--only=NAME] FOLDER\n");
        return 2;
    }
    work.target.folder = argv[at];
    if (!arena || (mkdir(argv[at], 0777) && errno != EEXIST) || VIPS_INIT(argv[0])) {
        fprintf(stderr, "draw_pictures: cannot start with the folder %s\n", argv[at]);
        return 1;
    }
    task_mutex_init(&work.mutex);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    error = run(&work, arena);
    if (error)
        fprintf(stderr, "draw_pictures: %s\n", error_name(error));
    else if (work.drawn)
        printf("draw_pictures: drew %zu pictures\n", work.drawn);
    vips_shutdown();
    return error ? 1 : 0;
}
