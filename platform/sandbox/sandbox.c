#include "platform/sandbox/sandbox.h"

#include "platform/base/err.h"
#include "platform/sandbox/sandbox_walls.h"

#include <stdio.h>
#include <sys/prctl.h>

#ifdef SHOPSTREAM_INSTRUMENTED

int sandbox_enter(const struct sandbox_limits *limits, char ret_message[SANDBOX_MESSAGE_BYTES])
{
    (void)limits;
    snprintf(ret_message, SANDBOX_MESSAGE_BYTES, "this build is instrumented for tests, which a sandbox would stop");
    return ERR_UNAVAILABLE;
}

#else

int sandbox_enter(const struct sandbox_limits *limits, char ret_message[SANDBOX_MESSAGE_BYTES])
{
    ret_message[0] = '\0';
    if (limits->role == SANDBOX_RENDERER) /* the other walls are those of its fork server */
        return sandbox_limit_calls(limits->role);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        snprintf(ret_message, SANDBOX_MESSAGE_BYTES, "the kernel offers no no_new_privs");
        return ERR_UNAVAILABLE;
    }
    /* Landlock first: its calls are not on the list. */
    bool has_open_ports = false;
    int files = sandbox_limit_files(limits, &has_open_ports);
    if (files < 0 && files != ERR_UNAVAILABLE)
        return files;
    int calls = sandbox_limit_calls(limits->role);
    if (calls < 0 && calls != ERR_UNAVAILABLE)
        return calls;
    if (files == 0 && calls == 0) {
        if (has_open_ports)
            snprintf(ret_message, SANDBOX_MESSAGE_BYTES, "the kernel's Landlock does not limit connections");
        return 0;
    }
    snprintf(ret_message, SANDBOX_MESSAGE_BYTES, "the kernel or the container offers no %s%s%s",
             files < 0 ? "Landlock" : "", files < 0 && calls < 0 ? " and no " : "", calls < 0 ? "seccomp" : "");
    return ERR_UNAVAILABLE;
}

#endif
