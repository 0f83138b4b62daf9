/* The page /dev/mail: reads what the mail port's spool holds. Mails carry codes that open accounts, so the page is
 * there only while the shop listens on loopback and is asked for by a loopback name (a page of another site could
 * otherwise point its own name at this machine and read it). Elsewhere it does not exist: 404.
 *
 * A browser gets HTML without scripts, under a policy that allows none; everybody else gets plain text. */
#pragma once

#include "platform/service/call.h"

#define MAILBOX_SHOWN_MAX 50
#define MAILBOX_TEXT_BYTES_MAX 8192 /* of one mail in the list */

raw_handler list_mails;
raw_handler show_mail;
