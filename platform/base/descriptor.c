#include "platform/base/descriptor.h"

#include <errno.h>
#include <unistd.h>

bool descriptor_write(int descriptor, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(descriptor, bytes.ptr, bytes.len);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0)
            bytes = str_skip(bytes, (size_t)written);
    }
    return true;
}

int descriptor_error(int cause)
{
    return cause == ENOSPC || cause == EDQUOT || cause == EFBIG ? ERR_STORAGE_FULL : ERR_UNAVAILABLE;
}

void descriptor_close(const int *descriptor)
{
    int error = errno;

    if (*descriptor >= 0)
        close(*descriptor);
    errno = error;
}
