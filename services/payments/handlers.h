/* The handlers of the payments service, for its table; what each does is said in payments.proto. */
#pragma once

#include "services/payments/payments.h"

payments_authorise_payment_fn authorise_payment;
payments_capture_payment_fn capture_payment;
payments_return_money_fn return_money;
payments_get_payment_fn get_payment;
payments_get_card_field_fn get_card_field;
payments_create_refund_fn create_refund;
payments_list_ledger_fn list_ledger;
payments_list_findings_fn list_findings;
raw_handler receive_webhook;
