/* Browsers' sessions: identity's tokens, in cookies that no script can read (platform/service/browser.h). */
#pragma once

#include "platform/service/call.h"
#include "shopstream/shell/v1/pages.rpc.h"

/* For a row that is not cached: who looks at the page, into call->who. Where the access token's time is up and the
 * refresh cookie is good, the browser gets new ones with this answer; where neither is, it forgets both, and the
 * visitor is a guest. An error, with the call's problem, only when that cannot be told. It may write: the row is
 * TX_NONE. Before the call acts on anybody's behalf. */
int session_visitor(struct call *call);

shell_create_session_fn create_session;
shell_refresh_session_fn refresh_session;
shell_delete_session_fn delete_session;
