/* An order's status in words for its customer. */
import type { Order } from '@shopstream/shared';

export interface Standing {
  title: string;
  words: string;
  label: string;
  tone: 'good' | 'bad' | 'plain';
}

const STANDINGS: Record<string, Standing> = {
  confirmed: {
    title: 'Your order is confirmed',
    words: 'It is paid, and its goods are yours. We tell you by mail when it is on its way.',
    label: 'Confirmed',
    tone: 'good',
  },
  fulfilled: { title: 'Your order is on its way', words: 'It has left our house.', label: 'Sent', tone: 'good' },
  cancelled: {
    title: 'Your order is cancelled',
    words: 'What was paid is given back to your card.',
    label: 'Cancelled',
    tone: 'plain',
  },
  refunded: { title: 'Your order is refunded', words: 'The money is on its way to your card.', label: 'Refunded', tone: 'plain' },
  failed: {
    title: 'This order did not work out',
    words: 'Nothing was charged, and nothing is reserved.',
    label: 'Failed',
    tone: 'bad',
  },
};

const WORKING: Standing = {
  title: 'We are on it',
  words: 'Your order is placed; the payment is being confirmed. This page changes by itself.',
  label: 'In progress',
  tone: 'plain',
};

const AT_THE_BANK: Standing = {
  title: 'Your bank has a question',
  words: 'Approve the payment with your bank, and the order goes on. Until then its goods are held for you.',
  label: 'Waiting for your bank',
  tone: 'plain',
};

const CANCELLING: Standing = {
  title: 'Your order is being cancelled',
  words: 'It ends when your money and the goods are back. This page changes by itself.',
  label: 'Being cancelled',
  tone: 'plain',
};

function isCancellable(status: string): boolean {
  return status === 'pending' || status === 'confirmed';
}

/** Its customer may still cancel it, and has not. */
export function isOpen(order: Order): boolean {
  return isCancellable(order.status) && !order.cancel_requested;
}

export function bankAddress(order: Order): string | undefined {
  return order.status === 'pending' ? order.payment?.next_action?.redirect_to_url?.url : undefined;
}

export function standingOf(order: Order): Standing {
  if (order.cancel_requested && isCancellable(order.status)) return CANCELLING;
  if (bankAddress(order)) return AT_THE_BANK;
  return STANDINGS[order.status] ?? WORKING;
}

/** Nothing more comes by itself. */
export function isSettled(order: Order): boolean {
  return order.status !== 'pending' && !order.cancel_requested;
}

/** The first part of the id, as people read it to each other. */
export function shortNumber(order: Order): string {
  return order.id.slice(-8).toUpperCase();
}
