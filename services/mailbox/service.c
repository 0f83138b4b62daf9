/* The mail page: what the shop would have mailed, for who develops or tries it. */
#include "services/mailbox/mailbox.h"

static const struct route routes[] = {
    {"GET", "/dev/mail", RAW(list_mails), .auth = AUTH_ANYONE, .rate = RATE_NONE,
     .summary = "The mails in the spool, newest first"},
    {"GET", "/dev/mail/{id}", RAW(show_mail), .auth = AUTH_ANYONE, .rate = RATE_NONE,
     .summary = "One mail as it was sent"},
    {0},
};

const struct service mailbox_service = {
    .name = "mailbox",
    .port = 3012,
    .help = "the page of spooled mails at /dev/mail, on this machine only",
    .routes = routes,
    .no_prefix = true,
    .any_host = true,
    .no_database = true,
    .loopback_only = true,
};
