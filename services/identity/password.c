/* Passwords: forgotten, reset, changed. Every new password ends the sessions that the old one opened. */
#include "services/identity/identity.h"

/* -- Forgotten ---------------------------------------------------------------------------------------------------- */

struct forgotten {
    struct call *call;
    struct str email;
};

static int record_forgotten(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct forgotten *forgotten = argument;
    struct account account;
    int found = identity_find_account_by_email(forgotten->call, forgotten->email, &account);
    TRY(found);
    if (!found || account.is_disabled)
        return identity_send_nothing(forgotten->call);
    return identity_send_code(forgotten->call, &account, CODE_RESET, STR_EMPTY, STR_EMPTY);
}

int forgot_password(struct call *call, const Identity__ForgotPasswordRequest *in, Common__Empty *out)
{
    (void)out;
    struct forgotten forgotten = {.call = call, .email = identity_normal_email(call, in->email)};
    if (!forgotten.email.ptr)
        return ERR_NO_MEMORY;
    TRY(identity_limit_account(call, "forgot", forgotten.email));
    return call_write(call, record_forgotten, &forgotten);
}

/* -- Reset -------------------------------------------------------------------------------------------------------- */

struct reset {
    struct call *call;
    struct str email, credential;
    const char *code;
    bool done;
};

static int record_reset(struct sql_tx *tx, void *argument)
{
    struct reset *reset = argument;
    struct call *call = reset->call;
    struct account account;
    reset->done = false;
    int found = identity_find_account_by_email(call, reset->email, &account);
    TRY(found);
    if (!found || account.is_disabled)
        return identity_send_nothing(call);
    int matched = identity_use_code(call, &account, CODE_RESET, reset->code, NULL);
    if (matched <= 0)
        return matched; /* The attempt is counted in this transaction, so it is no error of the closure. */
    reset->done = true;
    TRY(sql_exec(tx, &identity_sql_reset_credential,
                 SQL_ARGS(sql_text(call->tenant), sql_text(account.id), sql_text(reset->credential)), NULL));
    return identity_end_sessions(call, account.id, STR_EMPTY);
}

int reset_password(struct call *call, const Identity__ResetPasswordRequest *in, Common__Empty *out)
{
    (void)out;
    struct reset reset = {.call = call, .email = identity_normal_email(call, in->email), .code = in->code};
    if (!reset.email.ptr)
        return ERR_NO_MEMORY;
    TRY(identity_check_password(call, str_from_cstr(in->password), reset.email, STR_EMPTY, "/password"));
    TRY(identity_limit_account(call, "code", reset.email));
    int result = idp_enrol(identity_of(call)->idp, call->arena, reset.email, str_from_cstr(in->password),
                           identity_hash_deadline_ns(call), &reset.credential);
    if (result < 0)
        return identity_hash_failed(call, result);
    TRY(call_write(call, record_reset, &reset));
    return reset.done ? 0 : identity_fail_code(call);
}

/* -- Changed ------------------------------------------------------------------------------------------------------ */

struct change {
    struct call *call;
    struct account account;
    struct str credential;
    bool found, done;
};

static int read_account(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct change *change = argument;
    int found = identity_find_account(change->call, change->call->who.user_id, &change->account);
    change->found = found > 0;
    return found < 0 ? found : 0;
}

static int record_change(struct sql_tx *tx, void *argument)
{
    struct change *change = argument;
    struct call *call = change->call;
    int64_t changed;
    TRY(sql_exec(tx, &identity_sql_change_credential,
                 SQL_ARGS(sql_text(call->tenant), sql_text(change->account.id), sql_text(change->account.credential),
                          sql_text(change->credential), sql_text(call->who.session_id)),
                 &changed));
    change->done = changed > 0;
    return change->done ? identity_end_sessions(call, change->account.id, call->who.session_id) : 0;
}

int change_password(struct call *call, const Identity__ChangePasswordRequest *in, Common__Empty *out)
{
    (void)out;
    struct change change = {.call = call};
    struct idp *idp = identity_of(call)->idp;
    bool matches = false;
    TRY(identity_limit_account(call, "change", call->who.user_id));
    TRY(call_read(call, read_account, &change));
    struct str credential = change.found ? change.account.credential : STR_EMPTY;
    int result = idp_check(idp, call->who.user_id, credential, str_from_cstr(in->current_password),
                           identity_hash_deadline_ns(call), &matches);
    if (result < 0)
        return identity_hash_failed(call, result);
    if (!matches)
        return call_fail(call, ERR_INVALID, "wrong_password", "/current_password",
                         "This is not your current password.");
    TRY(identity_check_password(call, str_from_cstr(in->new_password), change.account.email, change.account.name,
                                "/new_password"));
    result = idp_enrol(idp, call->arena, call->who.user_id, str_from_cstr(in->new_password),
                       identity_hash_deadline_ns(call), &change.credential);
    if (result < 0)
        return identity_hash_failed(call, result);
    TRY(call_write(call, record_change, &change));
    /* Whoever has the mailbox set another password, or ended this session, while the hashes were made: that holds. */
    return change.done ? 0
                       : call_fail(call, ERR_UNAUTHENTICATED, "sign_in_required", NULL,
                                   "The password was changed, or this session ended, meanwhile. Sign in again.");
}
