#include "cli/file.h"

#include "cli/commands.h"
#include "cli/terminal.h"
#include "platform/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)1 << 16)
#define PATH_BYTES 4200

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

static bool write_all(int file, struct str bytes)
{
    while (bytes.len) {
        ssize_t written = write(file, bytes.ptr, bytes.len);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0)
            bytes = str_skip(bytes, (size_t)written);
    }
    return fsync(file) == 0;
}

int file_write(const char *path, struct str bytes)
{
    char temporary[PATH_BYTES];

    if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
        return say_failed("the name of %s is too long", path);
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool is_written = file >= 0 && write_all(file, bytes) && rename(temporary, path) == 0;
    int error = errno;
    if (file >= 0)
        close(file);
    if (is_written)
        return EXIT_DONE;
    if (file >= 0)
        unlink(temporary);
    return say_failed("%s cannot be written: %s", path, strerror(error));
}
