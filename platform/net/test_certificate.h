/* For tests of TLS: a certificate for "localhost" that signs itself, and its key, in files of their own. */
#pragma once

#include "platform/net/test_support.h"
#include "platform/net/tls.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

struct test_certificate {
    char certificate_path[64], key_path[64];
    struct tls_identity *identity;
};

/* A new file, of its owner's alone, with the one of the two that is given. path gets its name; it has 64 bytes. */
static inline void test_write_pem(char *path, EVP_PKEY *key, X509 *certificate)
{
    snprintf(path, 64, "/tmp/shopstream-test-pem-XXXXXX");
    int descriptor = mkstemp(path);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    assert_non_null(file);
    if (certificate)
        assert_int_equal(PEM_write_X509(file, certificate), 1);
    else
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

static inline void test_certificate_make(struct test_certificate *made)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    char message[TLS_MESSAGE_BYTES] = "";
    assert_non_null(key);
    assert_non_null(certificate);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    test_write_pem(made->certificate_path, NULL, certificate);
    test_write_pem(made->key_path, key, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (tls_identity_load(&made->identity, made->certificate_path, made->key_path, message) < 0)
        fail_msg("%s", message);
}

static inline void test_certificate_remove(struct test_certificate *made)
{
    tls_identity_free(made->identity);
    unlink(made->certificate_path);
    unlink(made->key_path);
}
