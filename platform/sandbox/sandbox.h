/* What a process gives up once it knows all that it needs: a fault in it, or in a library, then reaches no further.
 *
 * Three walls of the kernel, none of which can be taken down again by the process:
 *   no_new_privs  no program that it could start has more rights than it.
 *   seccomp       an allow-list of system calls (sandbox_calls.c); any other fails with EPERM. No other program can be
 *                 run, no child made, no other process looked into or signalled, nothing mounted or loaded; memory
 *                 never becomes executable.
 *   Landlock      files and connections (sandbox_files.c): the data folder to read and write; to read, what the build
 *                 made for browsers, and the few that
 *                 libraries open late: certificates, the resolver's files, time zones, what the kernel tells of the
 *                 process itself; and, where they are limited, TCP connections to the ports that are named. On what
 *                 may be listened needs no rule: sandbox_seal ends listening.
 *
 * Files that are open already stay usable, with the rights that they were opened with: what a command line on the same
 * machine wants written elsewhere comes as an open descriptor (platform/service/admin_socket.h).
 *
 * Builds under sanitizers and for coverage have no sandbox: LeakSanitizer stops the threads by ptrace from a child, the
 * symbolizer is another program, and coverage is written into the build folder when the process ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SANDBOX_MESSAGE_BYTES 256

/* Who enters. What makes the processes in which pages are rendered, and these, read and write what is open and reach no
 * socket beyond, and no file but the kernel's randomness: the first may make processes of itself and end them, the
 * second may not. */
enum sandbox_role { SANDBOX_SHOP, SANDBOX_FORK_SERVER, SANDBOX_RENDERER };

/* Of the shop; the other roles have none to choose. */
struct sandbox_limits {
    enum sandbox_role role;
    const char *data_path;       /* must exist */
    const char *const *readable; /* folders and files besides; those that are not there are left out */
    size_t readable_count;
    bool limits_connections; /* to the ports; false: to any */
    const unsigned short *ports;
    size_t port_count;
};

/* Enters the sandbox for good. SANDBOX_RENDERER is entered from that of SANDBOX_FORK_SERVER, by a child of it. Before
 * the first task starts, as Landlock holds for the calling thread and those that it starts.
 *
 * 0: all three walls stand; where connections are to be limited and the kernel's Landlock cannot (before Linux 6.7),
 * ret_message says so, else it is empty. ERR_UNAVAILABLE: the kernel, the container or this build does not offer all of
 * them; those that it has stand, and ret_message names what is missing. ERR_NO_MEMORY, ERR_NOT_FOUND for the folder. */
int sandbox_enter(const struct sandbox_limits *limits, char ret_message[SANDBOX_MESSAGE_BYTES]);

/* For a process in the sandbox whose listening sockets are open: from now on no task of it can listen, make a Unix
 * socket or change the filter. Does nothing where seccomp is not to be had. ERR_UNAVAILABLE when it did not work. */
int sandbox_seal(void);
