/* Who may use an account at all: an administrator, or the command line, disables it and enables it again. */
#include "services/identity/identity.h"

/* Whoever looks at the account in a later transaction sees that it is disabled, and opens no session; those that there
 * are end in this one. */
static int set_status(struct call *call, struct account *account, const char *status, Identity__User *out)
{
    bool is_disabled = strcmp(status, "disabled") == 0;
    if (is_disabled != account->is_disabled) {
        TRY(sql_exec(call->tx, &identity_sql_set_disabled,
                     SQL_ARGS(sql_text(call->tenant), sql_text(account->id), sql_int(is_disabled)), NULL));
        if (is_disabled)
            TRY(identity_end_sessions(call, account->id, STR_EMPTY));
        account->is_disabled = is_disabled;
        account->version++;
    }
    return identity_fill_user(call, account, out);
}

static int check_disabling(struct call *call, const struct account *account, const char *status)
{
    if (strcmp(status, "disabled") != 0)
        return 0;
    TRY(identity_check_last_administrator(call, account, "/status"));
    if (str_equal(account->id, call->who.user_id))
        return call_fail(call, ERR_CONFLICT, "own_account", "/status",
                         "This is your own account: another administrator can disable it.");
    return 0;
}

int put_user_status(struct call *call, const Identity__PutUserStatusRequest *in, Identity__User *out)
{
    struct account account;
    TRY(identity_need_account(call, in->id, &account));
    TRY(call_check_version(call, account.version));
    TRY(check_disabling(call, &account, in->status));
    return set_status(call, &account, in->status, out);
}

int set_account_status(struct call *call, const Identity__SetAccountStatusRequest *in, Identity__User *out)
{
    struct account account;
    TRY(identity_need_account_by_email(call, in->email, &account));
    TRY(check_disabling(call, &account, in->status));
    return set_status(call, &account, in->status, out);
}
