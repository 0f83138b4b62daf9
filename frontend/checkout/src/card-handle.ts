/* What checkout asks of a card field, whoever the provider is. */
export interface CardFieldHandle {
  /** The payment method's id, or CardRefused. */
  tokenise(): Promise<string>;
}

/** Its message is empty where the field itself shows what is wrong, next to where it is. */
export class CardRefused extends Error {}
