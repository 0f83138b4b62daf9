/* The text files beside the pictures: what was made, and the manifest. */
#include "tools/pictures/pictures.h"

#include "platform/base/err.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 4096
#define MANIFEST_BYTES_MAX ((size_t)16 << 20)

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

/* Takes the place of a file as a whole, so that one who reads never sees half of it. */
static int write_file(const char *folder, const char *name, struct str text)
{
    char file[LINE_BYTES_MAX], fresh[LINE_BYTES_MAX];
    FILE *out;
    bool good;

    snprintf(file, sizeof(file), "%s/%s", folder, name);
    snprintf(fresh, sizeof(fresh), "%s/%s.new", folder, name);
    out = fopen(fresh, "wbe");
    good = out && fwrite(text.ptr, 1, text.len, out) == text.len;
    if (out && fclose(out))
        good = false;
    if (good && rename(fresh, file) == 0)
        return 0;
    perror(file);
    return ERR_UNAVAILABLE;
}

/* -- What was made -------------------------------------------------------------------------------------------------*/

static int take_line(struct arena *arena, char *line, const struct picture *pictures, size_t count, size_t *hint,
                     struct made *ret_made)
{
    char name[PICTURE_NAME_BYTES_MAX], hash[MADE_HASH_BYTES + 1], placeholder[LINE_BYTES_MAX];

    if (sscanf(line, "%95s %64s %4095s", name, hash, placeholder) != 3)
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = (*hint + i) % count;

        if (strcmp(pictures[at].name, name) != 0)
            continue;
        memcpy(ret_made[at].hash, hash, sizeof(hash));
        ret_made[at].placeholder = arena_cstr(arena, str_from_cstr(placeholder));
        *hint = at + 1;
        return ret_made[at].placeholder ? 0 : ERR_NO_MEMORY;
    }
    return 0;
}

int made_load(struct arena *arena, const char *folder, const struct picture *pictures, size_t count,
              struct made *ret_made)
{
    CLEANUP(close_file) FILE *in = NULL;
    char line[LINE_BYTES_MAX];
    size_t hint = 0;

    snprintf(line, sizeof(line), "%s/made.txt", folder);
    in = fopen(line, "rbe");
    while (in && fgets(line, sizeof(line), in))
        TRY(take_line(arena, line, pictures, count, &hint, ret_made));
    return 0;
}

int made_save(const char *folder, const struct picture *pictures, size_t count, const struct made *made)
{
    CLEANUP(buf_free) struct buf text = BUF(MANIFEST_BYTES_MAX);

    for (size_t i = 0; i < count; i++)
        if (made[i].placeholder)
            buf_printf(&text, "%s %s %s\n", pictures[i].name, made[i].hash, made[i].placeholder);
    TRY(buf_error(&text));
    return write_file(folder, "made.txt", buf_str(&text));
}

/* -- The manifest --------------------------------------------------------------------------------------------------*/

static void append_picture(struct buf *text, const struct picture *picture, const struct made *made, const char *folder)
{
    char file[PICTURE_PATH_BYTES_MAX];

    buf_printf(text, "{\"src\":\"/pictures/%s\",\"widths\":[", picture->name);
    for (size_t i = 0; i < picture->width_count; i++)
        buf_printf(text, "%s%d", i ? "," : "", picture->widths[i]);
    picture_path(file, picture, picture->width, folder, "avif");
    /* Neither text has a quote or a backslash: the words are the seed's, and tests/pictures parses what comes out. */
    buf_printf(
        text, "],\"formats\":[%s\"webp\",\"jpg\"],\"width\":%d,\"height\":%d,\"placeholder\":\"%s\",\"alt\":\"%s\"}",
        access(file, F_OK) == 0 ? "\"avif\"," : "", picture->width, picture->height, made->placeholder, picture->alt);
}

int manifest_write(const struct target *target, const struct picture *pictures, size_t count, const struct made *made)
{
    CLEANUP(buf_free) struct buf text = BUF(MANIFEST_BYTES_MAX);
    const char *key = NULL;

    for (size_t i = 0; i < count; i++) {
        if (!made[i].placeholder)
            continue;
        if (key && strcmp(pictures[i].key, key) == 0)
            buf_append_char(&text, ',');
        else
            buf_printf(&text, "%s\n\"%s\":{\"pictures\":[", key ? "]}," : "{", pictures[i].key);
        key = pictures[i].key;
        append_picture(&text, &pictures[i], &made[i], target->folder);
    }
    buf_append_cstr(&text, key ? "]}\n}\n" : "{}\n");
    TRY(buf_error(&text));
    return write_file(target->folder, "pictures.json", buf_str(&text));
}
