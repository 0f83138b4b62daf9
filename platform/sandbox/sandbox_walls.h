/* The sandbox's walls, one function each. All of them: 0, or ERR_UNAVAILABLE where the kernel does not offer it. */
#pragma once

/* Landlock; wants no_new_privs. ERR_NOT_FOUND when the folder cannot be opened. */
int sandbox_limit_files(const char *data_path);

/* seccomp; wants no_new_privs. ERR_NO_MEMORY. */
int sandbox_limit_calls(void);
