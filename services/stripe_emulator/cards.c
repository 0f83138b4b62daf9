/* Stripe's test cards, https://docs.stripe.com/testing. */
#include "services/stripe_emulator/emulator.h"

#define DECLINED "Your card was declined."
#define BLOCKED_NUMBER "4100000000000019"
#define LAST_DIGITS 4
#define NUMBER_DIGITS_MIN 12
#define NUMBER_DIGITS_MAX 19

static const struct test_card test_cards[] = {
    {"visa", "4242424242424242", "visa", false, NULL, NULL, NULL},
    {"visa_debit", "4000056655665556", "visa", false, NULL, NULL, NULL},
    {"mastercard", "5555555555554444", "mastercard", false, NULL, NULL, NULL},
    {"mastercard_2series", "2223003122003222", "mastercard", false, NULL, NULL, NULL},
    {"mastercard_debit", "5200828282828210", "mastercard", false, NULL, NULL, NULL},
    {"mastercard_prepaid", "5105105105105100", "mastercard", false, NULL, NULL, NULL},
    {"amex", "378282246310005", "amex", false, NULL, NULL, NULL},
    {"discover", "6011111111111117", "discover", false, NULL, NULL, NULL},
    {"diners", "3056930009020004", "diners", false, NULL, NULL, NULL},
    {"jcb", "3566002020360505", "jcb", false, NULL, NULL, NULL},
    {"unionpay", "6200000000000005", "unionpay", false, NULL, NULL, NULL},
    {"us", "4242424242424242", "visa", false, NULL, NULL, NULL},
    {"threeDSecureOptional", "4000000000003055", "visa", false, NULL, NULL, NULL},
    {"refundFail", "4000000000005126", "visa", false, NULL, NULL, NULL},
    {"pendingRefund", "4000000000007726", "visa", false, NULL, NULL, NULL},

    {"chargeDeclined", "4000000000000002", "visa", false, "card_declined", "generic_decline", DECLINED},
    {"visa_chargeDeclined", "4000000000000002", "visa", false, "card_declined", "generic_decline", DECLINED},
    {"chargeDeclinedInsufficientFunds", "4000000000009995", "visa", false, "card_declined", "insufficient_funds",
     "Your card has insufficient funds."},
    {"visa_chargeDeclinedInsufficientFunds", "4000000000009995", "visa", false, "card_declined", "insufficient_funds",
     "Your card has insufficient funds."},
    {"chargeDeclinedLostCard", "4000000000009987", "visa", false, "card_declined", "lost_card", DECLINED},
    {"visa_chargeDeclinedLostCard", "4000000000009987", "visa", false, "card_declined", "lost_card", DECLINED},
    {"chargeDeclinedStolenCard", "4000000000009979", "visa", false, "card_declined", "stolen_card", DECLINED},
    {"visa_chargeDeclinedStolenCard", "4000000000009979", "visa", false, "card_declined", "stolen_card", DECLINED},
    {"chargeDeclinedExpiredCard", "4000000000000069", "visa", false, "expired_card", "expired_card",
     "Your card has expired."},
    {"chargeDeclinedIncorrectCvc", "4000000000000127", "visa", false, "incorrect_cvc", "incorrect_cvc",
     "Your card's security code is incorrect."},
    {"chargeDeclinedProcessingError", "4000000000000119", "visa", false, "processing_error", "processing_error",
     "An error occurred while processing your card. Try again in a little bit."},
    {"radarBlock", BLOCKED_NUMBER, "visa", false, "card_declined", "fraudulent", DECLINED},
    {"chargeDeclinedFraudulent", BLOCKED_NUMBER, "visa", false, "card_declined", "fraudulent", DECLINED},
    {"chargeDeclinedVelocityLimitExceeded", "4000000000006975", "visa", false, "card_declined",
     "card_velocity_exceeded",
     "Your card was declined for making repeated attempts too frequently or exceeding its "
     "amount limit."},
    {"chargeCustomerFail", "4000000000000341", "visa", false, "card_declined", "generic_decline", DECLINED},

    {"authenticationRequired", "4000002760003184", "visa", true, NULL, NULL, NULL},
    {"authenticationRequiredOnSetup", "4000002500003155", "visa", true, NULL, NULL, NULL},
    {"threeDSecure2Required", "4000000000003220", "visa", true, NULL, NULL, NULL},
    {"threeDSecureRequired", "4000000000003063", "visa", true, NULL, NULL, NULL},
    {"threeDSecureRequiredChargeDeclined", "4000008400001629", "visa", true, "card_declined", "generic_decline",
     DECLINED},
    {"authenticationRequiredChargeDeclinedInsufficientFunds", "4000008260003178", "visa", true, "card_declined",
     "insufficient_funds", "Your card has insufficient funds."},
};

#define TEST_CARD_COUNT (sizeof(test_cards) / sizeof(test_cards[0]))

const struct test_card *card_by_name(struct str name)
{
    for (size_t i = 0; i < TEST_CARD_COUNT; i++) {
        if (str_equal_cstr(name, test_cards[i].name))
            return &test_cards[i];
    }
    return NULL;
}

const struct test_card *card_by_number(struct str digits)
{
    for (size_t i = 0; i < TEST_CARD_COUNT; i++) {
        if (str_equal_cstr(digits, test_cards[i].number))
            return &test_cards[i];
    }
    return NULL;
}

bool card_number_is_valid(struct str digits)
{
    if (digits.len < NUMBER_DIGITS_MIN || digits.len > NUMBER_DIGITS_MAX)
        return false;
    int sum = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[digits.len - 1 - i];
        if (c < '0' || c > '9')
            return false;
        int digit = c - '0';
        if (i % 2 == 1)
            digit = digit * 2 - (digit > 4 ? 9 : 0);
        sum += digit;
    }
    return sum % 10 == 0;
}

struct str card_last4(const struct test_card *card)
{
    struct str number = str_from_cstr(card->number);
    return str_skip(number, number.len - LAST_DIGITS);
}

bool card_is_blocked(const struct test_card *card)
{
    return str_equal_cstr(str_from_cstr(card->number), BLOCKED_NUMBER);
}

enum refund_course card_refund_course(const struct test_card *card)
{
    if (str_equal_cstr(str_from_cstr(card->name), "refundFail"))
        return REFUND_FAILS_LATER;
    return str_equal_cstr(str_from_cstr(card->name), "pendingRefund") ? REFUND_PENDS_FIRST : REFUND_STANDS;
}
