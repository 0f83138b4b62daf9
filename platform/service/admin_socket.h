/* DATA/admin.sock: how the command line speaks to a running shop.
 *
 * A Unix socket that only its owner may open. A request is one line "<service> <method> <tenant> <bytes>\n" and so many
 * bytes of JSON; the answer is one line "<error> <bytes>\n" (0, or a negative code of err.h) and the reply as JSON, or
 * the problem's sentence. One request a connection.
 *
 * Open files may come with the first byte (SCM_RIGHTS): what a method writes elsewhere it writes into those, as the
 * running shop's sandbox lets it open nothing outside its data folder. */
#pragma once

#include "platform/base/arena.h"
#include "platform/base/str.h"

#define ADMIN_FILES_MAX 32

struct service_host;
struct json_call;
struct admin_socket;

/* Serves on the path; a socket left by a process that was killed is replaced (the folder's lock says that it is dead).
 */
int admin_socket_start(struct service_host *host, const char *path, struct admin_socket **ret_socket);
void admin_socket_stop(struct admin_socket *socket);

/* Asks the shop behind the path. ERR_UNAVAILABLE when none listens there; ret_error is then not set. Otherwise 0:
 * *ret_error is what the method returned, *ret_text its reply or what went wrong, in the arena. */
int admin_socket_call(const char *path, struct arena *arena, const struct json_call *call, int *ret_error,
                      struct str *ret_text);
