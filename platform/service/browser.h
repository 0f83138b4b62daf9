/* Browsers are known by cookies, as programs are by headers (docs/adr/0016-browser-sessions.md).
 *
 * A request with an Authorization header is a program's: its cookies count for nothing. In every other one the session
 * cookie stands for the access token, and the guest cookie for X-Guest-Token where that is not sent. A browser sends
 * cookies by itself, whoever made it ask; so what changes something and has one of them must also bring X-CSRF-Token,
 * equal to the csrf cookie, which only a page of the shop can read and send. A row that is cached is the same for
 * everybody and looks at no cookie.
 *
 * A cookie's value is a secret: it is put into Set-Cookie and nowhere else. */
#pragma once

#include "platform/service/call.h"

#define COOKIE_SESSION "__Host-session" /* an access token, for as long as it is good */
#define COOKIE_REFRESH "__Host-refresh" /* what the shell gets the next one by; no other row takes it */
#define COOKIE_GUEST "__Host-guest"
#define COOKIE_CSRF "csrf"                           /* the one that scripts read */
#define COOKIE_LIFETIME_S (INT64_C(365) * 24 * 3600) /* of a guest's cookie and the csrf cookie */
#define CSRF_TOKEN_LEN 43                            /* 256 random bits in base64url */

/* The value of the request's cookie; the empty str when there is none, or several of the name. */
struct str browser_cookie(const struct call *call, const char *name);

/* Set with the answer, which is then kept in no cache; from a service that was called for it, too. Only the csrf cookie
 * can be read by scripts. Once for a name. */
int browser_set_cookie(struct call *call, const char *name, struct str value, int64_t lifetime_s);
int browser_clear_cookie(struct call *call, const char *name);

/* Gives the browser a csrf cookie where it has none, or (renew) another one: whoever knew the token before somebody
 * signed in or out does not know it afterwards. */
int browser_set_csrf(struct call *call, bool renew);

/* The guest's token that came by a cookie has done its work: the browser forgets it. */
int browser_forget_guest(struct call *call);
