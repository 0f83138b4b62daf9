/* Signing in and up, the account, and who looks at a page. */
#include "services/shell/href.h"
#include "services/shell/page.h"

#include "platform/wire/wire.h"

static int read_me(struct page *page, Identity__User **ret_user)
{
    Identity__GetMeRequest in = IDENTITY__GET_ME_REQUEST__INIT;
    Identity__User *user = (void *)wire_message_new(page->call->arena, &identity__user__descriptor);

    if (!user)
        return ERR_NO_MEMORY;
    TRY(identity_get_me(page->call, &in, user));
    *ret_user = user;
    return 0;
}

int page_add_visitor(struct page *page)
{
    Pages__Visitor *visitor = (void *)wire_message_new(page->call->arena, &pages__visitor__descriptor);
    Identity__User *user;

    if (!visitor)
        return ERR_NO_MEMORY;
    TRY(read_me(page, &user));
    visitor->id = user->id;
    visitor->name = user->name;
    visitor->email = user->email;
    page->document->visitor = visitor;
    return 0;
}

static const char *title_of(const char *kind)
{
    return strcmp(kind, "login") == 0    ? "Sign in"
           : strcmp(kind, "signup") == 0 ? "Create an account"
           : strcmp(kind, "verify") == 0 ? "Confirm your address"
                                         : "Forgot your password?";
}

int fill_access(struct page *page)
{
    Pages__AccessPage *shown = (void *)wire_message_new(page->call->arena, &pages__access_page__descriptor);

    if (!shown)
        return ERR_NO_MEMORY;
    page->document->access = shown;
    if (href_is_own(page->query.return_to))
        TRY(page_text(page, page->query.return_to, &shown->return_to));
    if (page->document->visitor)
        shown->email = page->document->visitor->email;
    return page_describe(page, title_of(page->row->kind), "Your orders in one place, and your cart on every device.",
                         page->row->path);
}

static int add_sessions(struct page *page, Pages__AccountPage *shown)
{
    Identity__ListSessionsRequest in = IDENTITY__LIST_SESSIONS_REQUEST__INIT;
    Identity__ListSessionsReply out = IDENTITY__LIST_SESSIONS_REPLY__INIT;

    TRY(identity_list_sessions(page->call, &in, &out));
    shown->sessions = out.sessions;
    shown->n_sessions = out.n_sessions;
    return 0;
}

int fill_account(struct page *page)
{
    Pages__AccountPage *shown = (void *)wire_message_new(page->call->arena, &pages__account_page__descriptor);

    if (!shown)
        return ERR_NO_MEMORY;
    page->document->account = shown;
    TRY(read_me(page, &shown->user));
    TRY(add_sessions(page, shown));
    return page_describe(page, "Your account", "Your name, your password, and where you are signed in.", "/account");
}
