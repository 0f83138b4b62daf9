/* Two good tokens and the public half of the key that signed them. The private half was thrown away: no other good
 * token can be made, so whatever verifies must be one of these. */
#pragma once

#define SAMPLE_NOW_MS INT64_C(1800000300000)
#define SAMPLE_ISSUER "https://shop.test"
#define SAMPLE_AUDIENCE "shop"

static const char sample_jwks[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"IbYwifdZmmRfnxK7lNgxwGix-okRHkFlXbVMBJ"
    "nlqkY\",\"n\":\"mLi5lMlUIJFZDNeHitg-v8sjabhsudvGFs1ycXG_M_Udyg0SNyDu1xDbzBs3NTzAuuAoDZ9AGD3vKO7CfZS3cw4ZX2BOpy"
    "tBvhYLOMJKDm0bfuMn-e9UIURAQSJINpWPAZPmGE6WWOvs5M7RuiyuQgEmQvE12dXr72rPBiIIUgsmG8ab23zmqNyNVJ25yk8k5-dkBEuCy1Ot"
    "ULaiO4kBLIDAjV885Sqga387hTI3_ZKcWl1svlCDzxom8TQvQrI1fw3A7zX-LOLwF_1eZczwGgWl1gI14sGmyIjdhYsEd_a_1aqpi6UMK49xkF"
    "jlRNBptgaXS2DQp1lFa0EO52xlyQ\",\"e\":\"AQAB\"}]}";

static const char *const sample_tokens[] = {
    /* A customer. */
    "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IkliWXdpZmRabW1SZm54SzdsTmd4d0dpeC1va1JIa0ZsWGJWTUJKbmxxa1kifQ"
    ".eyJpc3MiOiJodHRwczovL3Nob3AudGVzdCIsImF1ZCI6InNob3AiLCJzdWIiOiJ1c2VyLTEiLCJzaWQiOiJzZXNzaW9uLTEiLCJqdGkiOiJ0b"
    "2tlbi0xIiwidGVuYW50IjoiZGVmYXVsdCIsImVtYWlsIjoiYW5uQGV4YW1wbGUuY29tIiwiZW1haWxfdmVyaWZpZWQiOnRydWUsInJvbGVzIjp"
    "bImN1c3RvbWVyIl0sImlhdCI6MTgwMDAwMDAwMCwiZXhwIjoxODAwMDAwNjAwfQ.V21dGKw9tayWzBiS39d8j3rMtN3TRLlPPKYpvOkhmca5FF"
    "6faSIfADVYOPDBHFiWn0jxPQ0pVtdFfQ33906KfIkaA3nyM3gRu1yc4tptR0AgBH3UK4tNPzTiEqTWvx7rcGTnMwYV9kAhnvpshB_mRoIVRVo7"
    "U2qkGx2Q507IACH5FsWuCH2oXe1itX-OAC1bQtoIKPRoTsA4TsJTNdn93TuYNU9Cpy61-3AHPmDHRZMPiXh_VHYhHFr2u_kCJ4oMD5Fd9IqgYH"
    "eWVqvDVoVWwwXNdgHv8DCXiWyTo1UACV_8WFFABnNJKXYi99ffl01PdsafEwLtYagn057oyal_5A",
    /* An administrator without an e-mail address. */
    "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IkliWXdpZmRabW1SZm54SzdsTmd4d0dpeC1va1JIa0ZsWGJWTUJKbmxxa1kifQ"
    ".eyJpc3MiOiJodHRwczovL3Nob3AudGVzdCIsImF1ZCI6InNob3AiLCJzdWIiOiJ1c2VyLTIiLCJzaWQiOiJzZXNzaW9uLTIiLCJqdGkiOiJ0b"
    "2tlbi0yIiwidGVuYW50IjoiZGVmYXVsdCIsImVtYWlsX3ZlcmlmaWVkIjpmYWxzZSwicm9sZXMiOlsic3VwcG9ydCIsImFkbWluIl0sImlhdCI"
    "6MTgwMDAwMDAwMCwiZXhwIjoxODAwMDAwNjAwfQ.Ga4zqL90xao38qZZCB74ifJDYEQcXQcCQqBhFJrrvg7b1UuuiiLTQmOXEeixS4FsyijsRh"
    "TSxIa7DJjfvv8dZSXkx78QhTCIrxU4v1gbKXh2pmip1H6Hd4ZffG2HBUsQeJuOShwHsh5P4sicLNvTspHFVfnShI3zBCSfpH4AwFX_ydF9LEd2"
    "ytVClackp0qJG5rUG1_usAudc5X93pd9cmeV5bhSjz1NdF85aEDKxS0ugYCwJ4dPUz_SQV-iV9zRfaoXTHpDTy7oCNeQjyltiVTnvRlv74rqzJ"
    "wNdak615MBD_NG7hATZJEe1io9EojmlXkuDtN4Xe_eoKB4Er0zGQ",
};
#define SAMPLE_TOKENS (sizeof(sample_tokens) / sizeof(sample_tokens[0]))
