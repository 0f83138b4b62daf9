/* Whether AddressSanitizer watches: gcc says so by a macro, clang by a feature. After this header the macro
 * __SANITIZE_ADDRESS__ means it for both. */
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
