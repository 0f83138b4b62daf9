/* Accounts as they are stored and shown. */
#include "platform/base/time_format.h"
#include "platform/ports/clock/clock.h"
#include "services/identity/identity.h"

#define ROLE_BITS 4 /* customer, support, merchandiser, admin */

struct str identity_normal_email(struct call *call, const char *email)
{
    char *copy = email ? arena_cstr(call->arena, str_from_cstr(email)) : NULL;
    for (char *letter = copy; letter && *letter; letter++)
        if (*letter >= 'A' && *letter <= 'Z')
            *letter = (char)(*letter - 'A' + 'a');
    return str_from_cstr(copy);
}

static int take_account(struct call *call, struct sql_rows *rows, struct account *ret_account)
{
    struct account account = {
        .id = arena_copy(call->arena, sql_get_text(rows, 0)),
        .email = arena_copy(call->arena, sql_get_text(rows, 1)),
        .name = arena_copy(call->arena, sql_get_text(rows, 2)),
        .credential = arena_copy(call->arena, sql_get_text(rows, 3)),
        .roles = (unsigned)sql_get_int(rows, 4),
        .email_verified = sql_get_int(rows, 5) != 0,
        .version = sql_get_int(rows, 6),
        .created_at_ms = sql_get_int(rows, 7),
        .is_disabled = sql_get_int(rows, 8) != 0,
    };
    bool has_name = sql_get_text(rows, 2).len == 0 || account.name.ptr;
    if (!account.id.ptr || !account.email.ptr || !account.credential.ptr || !has_name)
        return ERR_NO_MEMORY;
    *ret_account = account;
    return 1;
}

static int find_account(struct call *call, const struct sql_statement *statement, struct str key,
                        struct account *ret_account)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(call->tx, statement, SQL_ARGS(sql_text(call->tenant), sql_text(key)), &rows);
    return found > 0 ? take_account(call, rows, ret_account) : found;
}

int identity_find_account(struct call *call, struct str id, struct account *ret_account)
{
    return find_account(call, &identity_sql_find_account, id, ret_account);
}

int identity_find_account_by_email(struct call *call, struct str email, struct account *ret_account)
{
    return find_account(call, &identity_sql_find_account_by_email, email, ret_account);
}

int identity_need_account(struct call *call, const char *id, struct account *ret_account)
{
    int found = identity_find_account(call, str_from_cstr(id), ret_account);
    TRY(found);
    return found ? 0 : call_fail(call, ERR_NOT_FOUND, "no_account", NULL, "There is no account with this id.");
}

int identity_need_account_by_email(struct call *call, const char *email, struct account *ret_account)
{
    struct str normal = identity_normal_email(call, email);
    if (!normal.ptr)
        return ERR_NO_MEMORY;
    int found = identity_find_account_by_email(call, normal, ret_account);
    TRY(found);
    return found ? 0
                 : call_fail(call, ERR_NOT_FOUND, "no_account", "/email",
                             "Nobody has signed up with this e-mail address in this shop.");
}

int identity_fill_user(struct call *call, const struct account *account, Identity__User *user)
{
    char created_at[TIME_RFC3339_BYTES];
    time_format_rfc3339(account->created_at_ms, created_at);
    user->id = arena_cstr(call->arena, account->id);
    user->email = arena_cstr(call->arena, account->email);
    user->name = arena_cstr(call->arena, account->name);
    user->tenant = arena_cstr(call->arena, call->tenant);
    user->created_at = arena_cstr(call->arena, str_from_cstr(created_at));
    user->has_email_verified = true;
    user->email_verified = account->email_verified;
    user->status = arena_cstr(call->arena, account->is_disabled ? STR("disabled") : STR("active"));
    user->has_version = true;
    user->version = account->version;
    user->roles = arena_alloc_array(call->arena, ROLE_BITS, sizeof(char *));
    if (!user->id || !user->email || !user->name || !user->tenant || !user->created_at || !user->status || !user->roles)
        return ERR_NO_MEMORY;
    for (unsigned bit = 0; bit < ROLE_BITS; bit++)
        if (account->roles & 1u << bit)
            user->roles[user->n_roles++] = arena_cstr(call->arena, str_from_cstr(token_role_name(1u << bit)));
    call_set_version(call, account->version);
    return 0;
}

int64_t identity_hash_deadline_ns(const struct call *call)
{
    int64_t own_ns = clock_monotonic_ns() + IDENTITY_HASHING_MS * CLOCK_NS_PER_MS;
    return own_ns < call->deadline_ns ? own_ns : call->deadline_ns;
}

int identity_hash_failed(struct call *call, int error)
{
    if (error != ERR_DEADLINE && error != ERR_UNAVAILABLE && error != ERR_NO_MEMORY)
        return error;
    int result =
        call_fail(call, ERR_UNAVAILABLE, "busy", NULL, "Too many people sign in right now; try again in a moment.");
    call->problem.retry_after_ms = CLOCK_MS_PER_S;
    return result;
}

int identity_limit_account(struct call *call, const char *what, struct str subject)
{
    char *key = arena_printf(call->arena, "%s:%.*s", what, STR_FORMAT(subject));
    return key ? rate_check(call, RATE_ACCOUNT, str_from_cstr(key)) : ERR_NO_MEMORY;
}

static int find_own_account(struct call *call, struct account *ret_account)
{
    int found = identity_find_account(call, call->who.user_id, ret_account);
    TRY(found);
    return found ? 0
                 : call_fail(call, ERR_UNAUTHENTICATED, "no_account", NULL, "This account does not exist any more.");
}

int get_me(struct call *call, const Identity__GetMeRequest *in, Identity__User *out)
{
    (void)in;
    struct account account;
    TRY(find_own_account(call, &account));
    return identity_fill_user(call, &account, out);
}

int update_me(struct call *call, const Identity__UpdateMeRequest *in, Identity__User *out)
{
    struct account account;
    struct str name = str_from_cstr(in->name);
    TRY(find_own_account(call, &account));
    TRY(call_check_version(call, account.version));
    if (!str_equal(name, account.name)) {
        TRY(sql_exec(call->tx, &identity_sql_set_name,
                     SQL_ARGS(sql_text(call->tenant), sql_text(account.id), sql_text(name)), NULL));
        account.name = name;
        account.version++;
    }
    return identity_fill_user(call, &account, out);
}

int get_user(struct call *call, const Identity__GetUserRequest *in, Identity__User *out)
{
    struct account account;
    TRY(identity_need_account(call, in->id, &account));
    return identity_fill_user(call, &account, out);
}
