#include "platform/base/encode.h"
#include "platform/base/hash.h"
#include "platform/service/token_internal.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define NUMBER_BYTES_MAX (TOKEN_RSA_BITS_MAX / 8)
#define JWK_BYTES_MAX 2048

static void key_cleanup(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void bio_cleanup(BIO **bio)
{
    BIO_free(*bio);
}

static void context_cleanup(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
}

static void number_cleanup(BIGNUM **number)
{
    BN_free(*number);
}

static void builder_cleanup(OSSL_PARAM_BLD **builder)
{
    OSSL_PARAM_BLD_free(*builder);
}

static void params_cleanup(OSSL_PARAM **params)
{
    OSSL_PARAM_free(*params);
}

static void key_context_cleanup(EVP_PKEY_CTX **context)
{
    EVP_PKEY_CTX_free(*context);
}

int token_key_generate(struct buf *private_pem)
{
    CLEANUP(key_cleanup) EVP_PKEY *key = EVP_RSA_gen(TOKEN_KEY_BITS);
    CLEANUP(bio_cleanup) BIO *bio = BIO_new(BIO_s_secmem());
    if (!key || !bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return ERR_INTERNAL;
    char *bytes = NULL;
    long len = BIO_get_mem_data(bio, &bytes);
    if (len <= 0)
        return ERR_INTERNAL;
    buf_append(private_pem, str_from(bytes, (size_t)len));
    return buf_error(private_pem);
}

/* Appends a public number of the key ("n" or "e"), big-endian, in base64url. */
static int append_number(EVP_PKEY *key, const char *name, struct buf *buf)
{
    CLEANUP(number_cleanup) BIGNUM *number = NULL;
    unsigned char bytes[NUMBER_BYTES_MAX];
    if (EVP_PKEY_get_bn_param(key, name, &number) != 1 || BN_num_bytes(number) > NUMBER_BYTES_MAX)
        return ERR_INVALID;
    encode_base64url(buf, str_from(bytes, (size_t)BN_bn2bin(number, bytes)));
    return buf_error(buf);
}

/* RFC 7638: the SHA-256 of the required members in the order of their names. */
int token_key_thumbprint(EVP_PKEY *key, char ret_kid[TOKEN_KID_BYTES])
{
    CLEANUP(buf_free) struct buf jwk = BUF(JWK_BYTES_MAX);
    buf_append(&jwk, STR("{\"e\":\""));
    TRY(append_number(key, OSSL_PKEY_PARAM_RSA_E, &jwk));
    buf_append(&jwk, STR("\",\"kty\":\"RSA\",\"n\":\""));
    TRY(append_number(key, OSSL_PKEY_PARAM_RSA_N, &jwk));
    buf_append(&jwk, STR("\"}"));
    TRY(buf_error(&jwk));
    unsigned char digest[TOKEN_DIGEST_BYTES];
    hash_sha256(buf_str(&jwk), digest);
    CLEANUP(buf_free) struct buf kid = BUF(TOKEN_KID_BYTES);
    encode_base64url(&kid, str_from(digest, sizeof(digest)));
    TRY(buf_error(&kid));
    memcpy(ret_kid, kid.ptr, kid.len);
    ret_kid[kid.len] = '\0';
    return 0;
}

void token_key_append_jwk(EVP_PKEY *key, const char *kid, struct buf *document)
{
    buf_printf(document, "{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"%s\",\"n\":\"", kid);
    (void)append_number(key, OSSL_PKEY_PARAM_RSA_N, document); /* A key of the ring has both numbers. */
    buf_append(document, STR("\",\"e\":\""));
    (void)append_number(key, OSSL_PKEY_PARAM_RSA_E, document);
    buf_append(document, STR("\"}"));
}

static int decode_number(struct str text, BIGNUM **ret_number)
{
    CLEANUP(buf_free) struct buf bytes = BUF(NUMBER_BYTES_MAX);
    if (text.len == 0 || decode_base64url(text, &bytes) < 0)
        return ERR_INVALID;
    *ret_number = BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len, NULL);
    return *ret_number ? 0 : ERR_NO_MEMORY;
}

int token_key_from_jwk(struct str modulus, struct str exponent, EVP_PKEY **ret_key)
{
    CLEANUP(number_cleanup) BIGNUM *n = NULL;
    CLEANUP(number_cleanup) BIGNUM *e = NULL;
    TRY(decode_number(modulus, &n));
    TRY(decode_number(exponent, &e));
    CLEANUP(builder_cleanup) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (!builder || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return ERR_NO_MEMORY;
    CLEANUP(params_cleanup) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    CLEANUP(key_context_cleanup) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (!params || !context)
        return ERR_NO_MEMORY;
    EVP_PKEY *key = NULL;
    if (EVP_PKEY_fromdata_init(context) != 1 || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return ERR_INVALID;
    *ret_key = key;
    return 0;
}

int token_rs256_sign(EVP_PKEY *key, struct str input, unsigned char *ret_signature, size_t *in_out_len)
{
    CLEANUP(context_cleanup) EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;
    if (!context)
        return ERR_NO_MEMORY;
    if (EVP_DigestSignInit(context, &padding, EVP_sha256(), NULL, key) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PADDING) != 1 ||
        EVP_DigestSign(context, ret_signature, in_out_len, (const unsigned char *)input.ptr, input.len) != 1)
        return ERR_INTERNAL;
    return 0;
}

bool token_rs256_verify(EVP_PKEY *key, struct str input, struct str signature)
{
    CLEANUP(context_cleanup) EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *padding = NULL;
    return context && EVP_DigestVerifyInit(context, &padding, EVP_sha256(), NULL, key) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PADDING) == 1 &&
           EVP_DigestVerify(context, (const unsigned char *)signature.ptr, signature.len,
                            (const unsigned char *)input.ptr, input.len) == 1;
}
