/* The sandbox's walls, one function each. All of them: 0, or ERR_UNAVAILABLE where the kernel does not offer it. */
#pragma once

#include "platform/sandbox/sandbox.h"

/* Landlock; wants no_new_privs. ERR_NOT_FOUND when the folder cannot be opened. ret_has_open_ports: connections should
 * be limited, and the kernel cannot. */
int sandbox_limit_files(const struct sandbox_limits *limits, bool *ret_has_open_ports);

/* seccomp; wants no_new_privs. ERR_NO_MEMORY. */
int sandbox_limit_calls(enum sandbox_role role);
