#include "platform/ports/psp/psp_config.h"

#include "platform/base/encode.h"
#include "platform/base/err.h"
#include "platform/base/hash.h"
#include "platform/ports/random/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SEED_BYTES 32
#define SEED_FILE "stripe_emulator.key"
#define SECRET_TEXT_MAX 128
#define PATH_BYTES_MAX 4096

const struct config_row psp_config[] = {
    {"SHOPSTREAM_STRIPE_URL", CONFIG_STRING, "", 0, 200,
     "Address of Stripe's API, as https://api.stripe.com; empty: the emulator in this process."},
    {"SHOPSTREAM_STRIPE_SECRET_KEY", CONFIG_SECRET, NULL, 0, 200, "Stripe's secret key, sk_…; empty: the emulator's."},
    {"SHOPSTREAM_STRIPE_WEBHOOK_SECRET", CONFIG_SECRET, NULL, 0, 200,
     "The signing secret of the webhook endpoint, whsec_…; empty: the emulator's."},
    {"SHOPSTREAM_STRIPE_TIMEOUT_MS", CONFIG_INT, "8000", 50, 60000, "How long one request to Stripe may take."},
    {"SHOPSTREAM_RECONCILE_AGE_MS", CONFIG_INT, "120000", 0, 86400000,
     "Payments and charges younger than this are left alone by the reconciliation."},
    {"SHOPSTREAM_STRIPE_PUBLISHABLE_KEY", CONFIG_STRING, "", 0, 200,
     "Stripe's publishable key, pk_…, with which the checkout takes a card; empty: the emulator's."},
    {0},
};
const struct config_row *const psp_config_url = &psp_config[0];
static const struct config_row *const psp_config_secret_key = &psp_config[1];
static const struct config_row *const psp_config_webhook_secret = &psp_config[2];
const struct config_row *const psp_config_timeout = &psp_config[3];
const struct config_row *const psp_config_reconcile_age = &psp_config[4];
const struct config_row *const psp_config_publishable_key = &psp_config[5];

/* -- Checking ------------------------------------------------------------------------------------------------------ */

static bool is_on_this_machine(struct str url)
{
    struct str host = str_skip(url, sizeof("http://") - 1);
    size_t length = 0;

    if (str_starts_with(host, STR("[::1]")))
        length = sizeof("[::1]") - 1;
    else if (str_starts_with(host, STR("localhost")))
        length = sizeof("localhost") - 1;
    else
        while (str_starts_with(host, STR("127.")) && length < host.len && strchr("0123456789.", host.ptr[length]))
            length++;
    return length > 0 && (length == host.len || host.ptr[length] == ':' || host.ptr[length] == '/');
}

int psp_config_check(const struct config *config, char ret_message[512])
{
    struct str url = config_get_str(config, psp_config_url);
    struct str publishable_key = config_get_str(config, psp_config_publishable_key);

    if (publishable_key.len > 0 && !str_starts_with(publishable_key, STR("pk_"))) {
        snprintf(ret_message, 512,
                 "SHOPSTREAM_STRIPE_PUBLISHABLE_KEY must begin with pk_: it is shown to everybody, and a secret key is "
                 "not to be");
        return ERR_INVALID;
    }
    if (url.len == 0 || (str_starts_with(url, STR("http://")) && is_on_this_machine(url)))
        return 0;
    if (!str_starts_with(url, STR("https://"))) {
        snprintf(ret_message, 512,
                 "SHOPSTREAM_STRIPE_URL must begin with https://, as nobody between may read or change what is sent "
                 "there; http:// is for this machine");
        return ERR_INVALID;
    }
    for (const struct config_row *row = psp_config_secret_key; row <= psp_config_webhook_secret; row++) {
        if (secret_bytes(config_get_secret(config, row)).len == 0) {
            snprintf(ret_message, 512,
                     "%s must be set, as SHOPSTREAM_STRIPE_URL names a provider that has given you one", row->name);
            return ERR_INVALID;
        }
    }
    return 0;
}

/* -- Secrets ------------------------------------------------------------------------------------------------------- */

/* The seed's file: written under another name and linked, so that it is there whole or not at all, and the first of two
 * writers wins. */
static int write_seed(const char *path)
{
    char temporary[PATH_BYTES_MAX];
    unsigned char seed[SEED_BYTES], suffix[8];
    random_bytes(seed, sizeof(seed));
    random_bytes(suffix, sizeof(suffix));
    unsigned long long number = 0;
    memcpy(&number, suffix, sizeof(suffix));
    if (snprintf(temporary, sizeof(temporary), "%s.%016llx", path, number) >= (int)sizeof(temporary))
        return ERR_TOO_LARGE;
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return ERR_UNAVAILABLE;
    bool written = write(file, seed, sizeof(seed)) == (ssize_t)sizeof(seed) && fsync(file) == 0;
    explicit_bzero(seed, sizeof(seed));
    close(file);
    bool linked = written && (link(temporary, path) == 0 || errno == EEXIST);
    unlink(temporary);
    return linked ? 0 : ERR_UNAVAILABLE;
}

static int read_seed(const char *path, unsigned char ret_seed[SEED_BYTES])
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
    ssize_t count = read(file, ret_seed, SEED_BYTES);
    close(file);
    return count == SEED_BYTES ? 0 : ERR_CORRUPT;
}

static int open_seed(const char *data_path, unsigned char ret_seed[SEED_BYTES])
{
    if (!data_path) {
        memset(ret_seed, 7, SEED_BYTES);
        return 0;
    }
    char path[PATH_BYTES_MAX];
    if (snprintf(path, sizeof(path), "%s/" SEED_FILE, data_path) >= (int)sizeof(path))
        return ERR_TOO_LARGE;
    int error = read_seed(path, ret_seed);
    if (error != ERR_NOT_FOUND)
        return error;
    TRY(write_seed(path));
    return read_seed(path, ret_seed);
}

/* "sk_test_" and a hash of the seed and that very prefix. */
static int derive(const unsigned char seed[SEED_BYTES], const char *prefix, struct secret **ret_secret)
{
    unsigned char hash[HASH_SHA256_BYTES];
    hash_hmac_sha256(str_from(seed, SEED_BYTES), str_from_cstr(prefix), hash);
    CLEANUP(buf_free) struct buf text = BUF(SECRET_TEXT_MAX);
    buf_append_cstr(&text, prefix);
    encode_hex(&text, str_from(hash, sizeof(hash)));
    TRY(buf_error(&text));
    int error = secret_new(buf_str(&text), ret_secret);
    explicit_bzero(text.ptr, text.len);
    return error;
}

static int choose(const struct config *config, const struct config_row *row, const char *prefix,
                  const unsigned char seed[SEED_BYTES], struct secret **ret_secret)
{
    struct str configured = config ? secret_bytes(config_get_secret(config, row)) : STR_EMPTY;
    return configured.len > 0 ? secret_new(configured, ret_secret) : derive(seed, prefix, ret_secret);
}

/* Made from the secret key, so that both are of one shop; the way back is not to be found. */
static void choose_publishable_key(const struct config *config, struct psp_secrets *secrets)
{
    struct str configured = config ? config_get_str(config, psp_config_publishable_key) : STR_EMPTY;
    unsigned char hash[HASH_SHA256_BYTES];
    char hex[2 * HASH_SHA256_BYTES + 1];

    if (configured.len > 0) {
        snprintf(secrets->publishable_key, sizeof(secrets->publishable_key), "%.*s", STR_FORMAT(configured));
        return;
    }
    hash_hmac_sha256(secret_bytes(secrets->secret_key), STR("pk_test_"), hash);
    encode_hex_into(hex, str_from(hash, sizeof(hash)));
    snprintf(secrets->publishable_key, sizeof(secrets->publishable_key), "pk_test_%.32s", hex);
}

static int refuse_seed(const char *data_path, int error, char ret_message[512])
{
    if (error == ERR_CORRUPT)
        snprintf(ret_message, 512,
                 "the file %.200s/" SEED_FILE " is damaged; put it back from a backup, or take it away, and the next "
                 "start makes another (docs/runbooks/corrupt-database.md)",
                 data_path);
    else
        snprintf(ret_message, 512, "the file %.200s/" SEED_FILE " cannot be read or made: %s", data_path,
                 error_name(error));
    return error;
}

int psp_secrets_open(const struct config *config, const char *data_path, struct psp_secrets *ret_secrets,
                     char ret_message[512])
{
    unsigned char seed[SEED_BYTES] = {0};
    struct psp_secrets secrets = {0};
    bool is_complete = config && secret_bytes(config_get_secret(config, psp_config_secret_key)).len > 0 &&
                       secret_bytes(config_get_secret(config, psp_config_webhook_secret)).len > 0;
    int error = is_complete ? 0 : open_seed(data_path, seed);
    if (error < 0)
        return refuse_seed(data_path, error, ret_message);
    error = choose(config, psp_config_secret_key, "sk_test_", seed, &secrets.secret_key);
    if (!error)
        error = choose(config, psp_config_webhook_secret, "whsec_", seed, &secrets.webhook_secret);
    explicit_bzero(seed, sizeof(seed));
    if (error) {
        psp_secrets_free(&secrets);
        snprintf(ret_message, 512, "the provider's secrets cannot be kept: %s", error_name(error));
        return error;
    }
    choose_publishable_key(config, &secrets);
    *ret_secrets = secrets;
    return 0;
}

void psp_secrets_free(struct psp_secrets *secrets)
{
    secret_free(secrets->secret_key);
    secret_free(secrets->webhook_secret);
    *secrets = (struct psp_secrets){0};
}
