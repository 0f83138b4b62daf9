/* The stations of a request, one file each; private to platform/service. Each returns 0, or an error with the call's
 * problem set. */
#pragma once

#include "platform/service/request.h"

/* request_route.c: the service, the row and the tenant; fills the call, but for its trace. */
int request_route(struct request *request);
int refuse_method(struct request *request);
enum transaction route_transaction(const struct route *route);

/* request_access.c: who asks, whether they may, and how often. */
int request_authenticate(struct request *request);
int request_authorise(struct request *request);
int access_check(struct call *call, const struct route *route); /* whether the row lets in who asks */
bool request_has_rate(const struct request *request);           /* by its row; it has one */
int request_limit_rate(struct request *request);

/* browser.c. request_check_browser refuses what a page of another site made a browser send (is_program: it has an
 * Authorization header, so no cookie counts), and says whether it is from a page of ours. request_take_session is true
 * when the browser says that somebody is signed in; *ret_token is empty when the access token has gone, or came twice.
 * The last two put the token of a new guest into a cookie instead of the answer. */
int request_check_browser(struct request *request, bool is_program);
bool request_take_session(const struct request *request, struct str *ret_token);
int request_keep_guest(struct request *request);
int request_keep_replayed_guest(struct request *request);

/* request_input.c: body, path and query into the input message; If-Match, Prefer and Idempotency-Key. */
int request_decode(struct request *request);
int request_preconditions(struct request *request);
void request_reset_output(struct request *request);

/* reply.c: answers. reply_json writes a message into the call's arena. */
int reply_json(struct call *call, const ProtobufCMessage *message, struct str *ret_json);
int reply_set_header(struct call_reply *reply, const char *name, struct str value);
void response_from_problem(struct request *request, struct http_response *ret_response);
void response_from_reply(struct request *request, struct http_response *ret_response);
void response_from_replay(struct request *request, struct http_response *ret_response);
void response_from_cache(struct request *request, const struct cached_response *cached,
                         struct http_response *ret_response);
void response_keep(struct request *request, struct http_response *response);
void response_from_raw(struct request *request, struct http_response *response); /* what its handler filled */
void reply_headers_add(struct request *request, struct http_response *response);
void reply_policy_add(struct http_response *response); /* what a browser may do with it, unless the response says */

/* request_problem.c: what a person sees in place of a problem. */
bool request_wants_page(const struct request *request);
void response_from_problem_page(struct request *request, struct http_response *response); /* or leaves it as it is */

/* call.c: runs a closure as the call's write transaction, with its idempotency record. */
int call_run_write(struct call *call, struct sql_tx *tx, sql_closure *closure, void *argument);
