/* Passwords by argon2id; see idp.h. */
#include "platform/base/task.h"
#include "platform/ports/idp/idp_adapter.h"
#include "platform/ports/random/random.h"

#include <argon2.h>
#include <stdio.h>
#include <stdlib.h>

#define OWASP_MEMORY_KIB 19456
#define OWASP_PASSES 2
#define OWASP_LANES 1
#define SALT_BYTES 16
#define TAG_BYTES 32
#define PREFIX_BYTES 64 /* "$argon2id$v=19$m=19456,t=2,p=1$" */

struct idp_argon2 {
    struct idp base;
    struct idp_argon2_config config;
    char prefix[PREFIX_BYTES]; /* that today's credentials start with */
    struct task_mutex mutex;
    struct task_cond turn;
    unsigned running;
    unsigned waiting;
};

static struct idp_argon2 *self_of(struct idp *idp)
{
    return (struct idp_argon2 *)idp;
}

static void argon2_free(struct idp *idp)
{
    struct idp_argon2 *self = self_of(idp);
    task_cond_destroy(&self->turn);
    task_mutex_destroy(&self->mutex);
    free(self);
}

/* -- The gate: at most IDP_HASHES_MAX at once --------------------------------------------------------------------- */

static int enter(struct idp_argon2 *self, int64_t deadline_ns)
{
    TASK_LOCKED(&self->mutex);
    if (self->running >= IDP_HASHES_MAX && self->waiting >= IDP_WAITING_MAX)
        return ERR_UNAVAILABLE;
    self->waiting++;
    bool in_time = true;
    while (self->running >= IDP_HASHES_MAX && in_time)
        in_time = task_cond_wait_until(&self->turn, &self->mutex, deadline_ns);
    self->waiting--;
    if (self->running >= IDP_HASHES_MAX)
        return ERR_DEADLINE;
    self->running++;
    return 0;
}

static void leave(struct idp_argon2 *self)
{
    TASK_LOCKED(&self->mutex);
    self->running--;
    task_cond_signal(&self->turn);
}

static int error_of(int argon2_result)
{
    return argon2_result == ARGON2_OK                        ? 0
           : argon2_result == ARGON2_MEMORY_ALLOCATION_ERROR ? ERR_NO_MEMORY
                                                             : ERR_INTERNAL;
}

/* -- The adapter -------------------------------------------------------------------------------------------------- */

static int argon2_enrol(struct idp *idp, struct arena *arena, struct str subject, struct str password,
                        int64_t deadline_ns, struct str *ret_credential)
{
    (void)subject;
    struct idp_argon2 *self = self_of(idp);
    char encoded[IDP_CREDENTIAL_BYTES_MAX];
    unsigned char salt[SALT_BYTES];
    random_bytes(salt, sizeof(salt));
    TRY(enter(self, deadline_ns));
    int result =
        error_of(argon2id_hash_encoded(self->config.passes, self->config.memory_kib, self->config.lanes, password.ptr,
                                       password.len, salt, sizeof(salt), TAG_BYTES, encoded, sizeof(encoded)));
    leave(self);
    TRY(result);
    struct str credential = arena_copy(arena, str_from_cstr(encoded));
    if (!credential.ptr)
        return ERR_NO_MEMORY;
    *ret_credential = credential;
    return 0;
}

/* The work of a check without anything to check against. */
static int check_nothing(struct idp_argon2 *self, struct str password)
{
    static const unsigned char salt[SALT_BYTES] = "nobody's account";
    unsigned char tag[TAG_BYTES];
    return error_of(argon2id_hash_raw(self->config.passes, self->config.memory_kib, self->config.lanes, password.ptr,
                                      password.len, salt, sizeof(salt), tag, sizeof(tag)));
}

static int check_credential(const char *encoded, struct str password, bool *ret_matches)
{
    int result = argon2id_verify(encoded, password.ptr, password.len);
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR)
        return ERR_NO_MEMORY;
    if (result != ARGON2_OK && result != ARGON2_VERIFY_MISMATCH)
        return ERR_CORRUPT;
    *ret_matches = result == ARGON2_OK;
    return 0;
}

static int argon2_check(struct idp *idp, struct str subject, struct str credential, struct str password,
                        int64_t deadline_ns, bool *ret_matches)
{
    (void)subject;
    struct idp_argon2 *self = self_of(idp);
    char encoded[IDP_CREDENTIAL_BYTES_MAX] = "";
    bool matches = false;
    if (credential.len > 0)
        memcpy(encoded, credential.ptr, credential.len);
    TRY(enter(self, deadline_ns));
    int result = credential.len > 0 ? check_credential(encoded, password, &matches) : check_nothing(self, password);
    leave(self);
    TRY(result);
    *ret_matches = matches;
    return 0;
}

static bool argon2_is_outdated(struct idp *idp, struct str credential)
{
    return !str_starts_with(credential, str_from_cstr(self_of(idp)->prefix));
}

static const struct idp_adapter adapter = {
    .version = IDP_ADAPTER_VERSION,
    .free = argon2_free,
    .enrol = argon2_enrol,
    .check = argon2_check,
    .is_outdated = argon2_is_outdated,
};

int idp_argon2_new(struct idp **ret_idp, const struct idp_argon2_config *config)
{
    struct idp_argon2_config used = config ? *config : (struct idp_argon2_config){0};
    used.memory_kib = used.memory_kib ? used.memory_kib : OWASP_MEMORY_KIB;
    used.passes = used.passes ? used.passes : OWASP_PASSES;
    used.lanes = used.lanes ? used.lanes : OWASP_LANES;
    if (used.memory_kib < 8 * used.lanes || used.memory_kib > (1u << 20) || used.passes > 64 || used.lanes > 8)
        return ERR_INVALID;
    struct idp_argon2 *self = calloc(1, sizeof(*self));
    if (!self)
        return ERR_NO_MEMORY;
    self->base.adapter = &adapter;
    self->config = used;
    snprintf(self->prefix, sizeof(self->prefix), "$argon2id$v=%d$m=%u,t=%u,p=%u$", ARGON2_VERSION_13, used.memory_kib,
             used.passes, used.lanes);
    task_mutex_init(&self->mutex);
    task_cond_init(&self->turn);
    *ret_idp = &self->base;
    return 0;
}

int idp_argon2_open(struct idp **ret_idp, const struct port_config *config, char ret_message[512])
{
    TRY(port_expect_bare(PORT_IDP, config->url, ret_message));
    return idp_argon2_new(ret_idp, NULL);
}
