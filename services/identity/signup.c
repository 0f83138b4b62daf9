/* Signing up and verifying the address.
 *
 * Whether an address has an account is nobody's business: a known and an unknown one get the same answer after the same
 * work (one hash, one durable write, one mail), and the mail alone says more. */
#include "platform/service/mail_worker.h"
#include "services/identity/identity.h"

struct signup {
    struct call *call;
    struct str email, name, credential;
};

static int tell_owner(struct call *call, const struct account *account)
{
    return mail_enqueue(
        call, "signup_attempt", account->email, "Somebody tried to sign up with your address",
        "Somebody tried to sign up with this e-mail address, which has an account already.\n\nIf it was "
        "you: sign in with your password, or ask for a new one.\nIf it was not you, there is nothing to "
        "do: your account is as it was.\n");
}

static int insert_account(struct call *call, const struct signup *signup, struct account *ret_account)
{
    char *id = call_new_id(call);
    if (!id)
        return ERR_NO_MEMORY;
    *ret_account = (struct account){
        .id = str_from_cstr(id), .email = signup->email, .name = signup->name, .credential = signup->credential};
    return sql_exec(call->tx, &identity_sql_insert_account,
                    SQL_ARGS(sql_text(call->tenant), sql_cstr(id), sql_text(signup->email), sql_text(signup->name),
                             sql_text(signup->credential), sql_int(ROLE_CUSTOMER), sql_int(0),
                             sql_int(clock_latest_ms())),
                    NULL);
}

static int record_signup(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct signup *signup = argument;
    struct call *call = signup->call;
    struct account account;
    int found = identity_find_account_by_email(call, signup->email, &account);
    TRY(found);
    if (found && account.email_verified)
        return tell_owner(call, &account);
    if (!found)
        TRY(insert_account(call, signup, &account));
    else
        TRY(sql_exec(call->tx, &identity_sql_set_credential,
                     SQL_ARGS(sql_text(call->tenant), sql_text(account.id), sql_text(signup->credential)), NULL));
    return identity_send_code(call, &account, CODE_VERIFY, signup->name, signup->credential);
}

int signup(struct call *call, const Identity__SignupRequest *in, Identity__SignupReply *out)
{
    struct signup signup = {
        .call = call, .email = identity_normal_email(call, in->email), .name = str_trim(str_from_cstr(in->name))};
    if (!signup.email.ptr)
        return ERR_NO_MEMORY;
    if (signup.name.len == 0)
        return call_fail(call, ERR_INVALID, "required", "/name", "Say your name.");
    TRY(identity_check_password(call, str_from_cstr(in->password), signup.email, signup.name, "/password"));
    TRY(identity_limit_account(call, "signup", signup.email));
    int result = idp_enrol(identity_of(call)->idp, call->arena, signup.email, str_from_cstr(in->password),
                           identity_hash_deadline_ns(call), &signup.credential);
    if (result < 0)
        return identity_hash_failed(call, result);
    TRY(call_write(call, record_signup, &signup));
    out->email = arena_cstr(call->arena, signup.email);
    out->status = "verification_sent";
    return out->email ? 0 : ERR_NO_MEMORY;
}

/* -- The code from the mail --------------------------------------------------------------------------------------- */

struct verification {
    struct call *call;
    struct str email;
    const char *code;
    bool verified;
};

static int record_verification(struct sql_tx *tx, void *argument)
{
    (void)tx;
    struct verification *verification = argument;
    struct call *call = verification->call;
    struct account account, confirmed;
    verification->verified = false;
    int found = identity_find_account_by_email(call, verification->email, &account);
    TRY(found);
    if (!found || account.email_verified)
        return identity_send_nothing(call);
    int matched = identity_use_code(call, &account, CODE_VERIFY, verification->code, &confirmed);
    if (matched <= 0)
        return matched; /* The attempt is counted in this transaction, so it is no error of the closure. */
    verification->verified = true;
    return sql_exec(call->tx, &identity_sql_verify_account,
                    SQL_ARGS(sql_text(call->tenant), sql_text(account.id), sql_text(confirmed.credential),
                             sql_text(confirmed.name)),
                    NULL);
}

int verify(struct call *call, const Identity__VerifyRequest *in, Common__Empty *out)
{
    (void)out;
    struct verification verification = {
        .call = call, .email = identity_normal_email(call, in->email), .code = in->code};
    if (!verification.email.ptr)
        return ERR_NO_MEMORY;
    TRY(identity_limit_account(call, "code", verification.email));
    TRY(call_write(call, record_verification, &verification));
    return verification.verified ? 0 : identity_fail_code(call);
}
