/* What a customer does, said once: what a journey is about is in its test. */
export const ADDRESS = {
  email: "ann@mail.example",
  name: "Ann Example",
  line1: "1 Main Street",
  postal_code: "10115",
  city: "Berlin",
};

export const CARDS = {
  good: "4242 4242 4242 4242",
  declined: "4000 0000 0000 0002",
  insufficientFunds: "4000 0000 0000 9995",
  asksTheBank: "4000 0027 6000 3184",
};

/** On the open page of signing in, and is at the shop's first page then. */
export async function signIn(page, email, password) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname === "/");
}

/** Puts what the open product page shows into the cart, and waits until the drawer says so. */
export async function addToCart(page) {
  await page.getByRole("button", { name: "Add to cart" }).click();
  await page.getByRole("dialog", { name: "In your cart" }).waitFor();
}

/** Types the address of the checkout. */
export async function fillAddress(page, address = ADDRESS) {
  for (const [name, value] of Object.entries(address)) await page.locator(`main [name="${name}"]`).fill(value);
}

/** The provider's page in its frame. */
export function cardFrame(page) {
  return page.frameLocator('iframe[title="Card details"]');
}

export async function fillCard(page, { number = CARDS.good, expiry = "12 / 34", cvc = "123" } = {}) {
  const frame = cardFrame(page);
  await frame.getByLabel("Card number").fill(number);
  await frame.getByLabel("Expiry").fill(expiry);
  await frame.getByLabel(/security code/i).fill(cvc);
}

export function payButton(page) {
  return page.getByRole("button", { name: /^Pay / });
}

/** On the checkout's page: an order by a card that asks the bank; its page is there then. */
export async function askTheBank(page) {
  await fillAddress(page);
  await fillCard(page, { number: CARDS.asksTheBank });
  await payButton(page).click();
  await page.getByRole("button", { name: "Approve payment" }).waitFor();
}

/** From a page of the shop with something in the cart to an order: its id. */
export async function checkOut(visitor, card = {}) {
  const { page } = visitor;
  await visitor.go("/checkout");
  await fillAddress(page);
  await fillCard(page, card);
  await payButton(page).click();
  return orderId(page);
}

/** The id of the order whose page opens. */
export async function orderId(page) {
  await page.waitForURL(/\/orders\/[^/?]+/);
  return /\/orders\/([^/?#]+)/.exec(page.url())[1];
}
