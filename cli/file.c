#include "cli/file.h"

#include "cli/commands.h"
#include "cli/terminal.h"
#include "platform/base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)1 << 16)
#define PATH_BYTES 4200

static void free_name(char **name)
{
    free(*name);
}

static int read_stream(FILE *stream, const char *path, struct buf *to)
{
    size_t got;

    do {
        char *space = buf_reserve(to, READ_BYTES);
        if (!space)
            return say_failed("%s is larger than %zu MiB", path, to->max >> 20);
        got = fread(space, 1, READ_BYTES, stream);
        buf_commit(to, got);
    } while (got > 0);
    return ferror(stream) ? say_failed("%s cannot be read: %s", path, strerror(errno)) : EXIT_DONE;
}

int file_read(const char *path, struct buf *to)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *stream = is_stdin ? stdin : fopen(path, "re");

    if (!stream)
        return say_failed("%s cannot be read: %s", path, strerror(errno));
    int status = read_stream(stream, path, to);
    if (!is_stdin)
        fclose(stream);
    return status;
}

/* A pipe or a device, which has a reader or a place of its own. */
static bool write_into(const char *path, struct str bytes)
{
    CLEANUP(descriptor_close) int file = open(path, O_WRONLY | O_CLOEXEC);

    return file >= 0 && descriptor_write(file, bytes);
}

/* The file is there as before or as after. */
static bool replace(const char *path, struct str bytes)
{
    char temporary[PATH_BYTES];

    if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return false;
    }
    CLEANUP(descriptor_close) int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return false;
    if (descriptor_write(file, bytes) && fsync(file) == 0 && rename(temporary, path) == 0)
        return true;
    int error = errno;
    unlink(temporary);
    errno = error;
    return false;
}

int file_write(const char *path, struct str bytes)
{
    CLEANUP(free_name) char *target = realpath(path, NULL); /* a link stays one */
    const char *name = target ? target : path;
    struct stat status;
    bool is_special = stat(name, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);

    if (is_special ? write_into(name, bytes) : replace(name, bytes))
        return EXIT_DONE;
    return say_failed("%s cannot be written: %s", path, strerror(errno));
}
