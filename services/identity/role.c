/* Who may do what: roles, by the shop's administrators and by the command line. */
#include "services/identity/identity.h"

int identity_check_last_administrator(struct call *call, const struct account *account, const char *pointer)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    if (!(account->roles & ROLE_ADMIN) || !account->email_verified || account->is_disabled)
        return 0; /* It is not among those that are counted. */
    TRY(sql_query_row(call->tx, &identity_sql_count_administrators,
                      SQL_ARGS(sql_text(call->tenant), sql_int(ROLE_ADMIN)), &rows));
    if (sql_get_int(rows, 0) > 1)
        return 0;
    return call_fail(call, ERR_CONFLICT, "last_administrator", pointer,
                     "This is the only administrator: make another one first.");
}

/* Tokens that say more than the account may now are refused at once; those that say less only wait for their end. */
static int set_roles(struct call *call, struct account *account, unsigned roles, Identity__User *out)
{
    if (roles != account->roles) {
        if (account->roles & ~roles & ROLE_ADMIN)
            TRY(identity_check_last_administrator(call, account, "/roles"));
        TRY(sql_exec(call->tx, &identity_sql_set_roles,
                     SQL_ARGS(sql_text(call->tenant), sql_text(account->id), sql_int(roles)), NULL));
        if (account->roles & ~roles)
            TRY(identity_refuse_access_tokens(call, account->id));
        account->roles = roles;
        account->version++;
    }
    return identity_fill_user(call, account, out);
}

int put_user_roles(struct call *call, const Identity__PutUserRolesRequest *in, Identity__User *out)
{
    struct account account;
    unsigned roles = 0;
    for (size_t i = 0; i < in->n_roles; i++)
        roles |= token_role_from_name(str_from_cstr(in->roles[i]));
    TRY(identity_need_account(call, in->id, &account));
    TRY(call_check_version(call, account.version));
    return set_roles(call, &account, roles, out);
}

int grant_role(struct call *call, const Identity__GrantRoleRequest *in, Identity__User *out)
{
    struct account account;
    TRY(identity_need_account_by_email(call, in->email, &account));
    return set_roles(call, &account, account.roles | token_role_from_name(str_from_cstr(in->role)), out);
}
