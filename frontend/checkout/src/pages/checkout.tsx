/* Checkout on one page: who, where to, how, and the card. The server's HTML shows it whole; ordering needs script. */
import {
  addMoney,
  api,
  cartStore,
  Field,
  fieldErrors,
  focusFirst,
  checkForm,
  formatMoney,
  LockIcon,
  Notice,
  paths,
  Price,
  problemFrom,
  RequestFailed,
  Title,
  unwrap,
  valuesOf,
  withReturn,
  type Cart,
  type CheckoutPage as Checkout,
  type Errors,
  type Order,
  type PageDocument,
  type ShippingMethod,
} from '@shopstream/shared';
import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode, type RefObject } from 'react';

import { AddressFields, Country } from '../address-fields';
import {
  beginAttempt,
  forgetAttempt,
  isPlaced,
  linesOf,
  nextAddress,
  readAttempt,
  refillCart,
  sendAttempt,
  type OrderRequest,
} from '../attempt';
import { CardField } from '../card-field';
import { CardRefused, type CardFieldHandle } from '../card-handle';
import { fillIn, forgetDraft, keepDraft, readDraft } from '../draft';
import { GONE, Line, Sums } from '../line';

function days({ days_min: least, days_max: most }: ShippingMethod): string {
  if (!most) return '';
  return least && least !== most ? `${least} to ${most} working days` : `${most} working days`;
}

async function findMethods(country: string, currency: string): Promise<ShippingMethod[]> {
  const query = { country, currency };
  const reply = await unwrap(api.GET('/api/orders/v1/shipping-methods', { params: { query } }));
  return reply.shipping_methods as ShippingMethod[];
}

/** The ways of delivery to a country; those of the document's country came with it. */
function useMethods(checkout: Checkout, own: string, country: string, currency: string) {
  const [found, setFound] = useState({ country: own, methods: checkout.shipping_methods });
  const [problem, setProblem] = useState('');
  useEffect(() => {
    if (found.country === country) return undefined;
    let outdated = false;
    findMethods(country, currency)
      .then((methods) => !outdated && (setFound({ country, methods }), setProblem('')))
      .catch((error: unknown) => !outdated && setProblem(problemFrom(error).detail));
    return () => {
      outdated = true;
    };
  }, [country, currency, found.country]);
  return { methods: found.country === country ? found.methods : undefined, problem };
}

interface MethodsProps {
  methods: ShippingMethod[] | undefined;
  chosen: string | undefined;
  problem: string;
  onChoose: (id: string) => void;
}

function Methods({ methods, chosen, problem, onChoose }: MethodsProps) {
  if (problem) return <Notice>{problem}</Notice>;
  if (!methods)
    return (
      <div className="grid gap-1" aria-hidden="true">
        <div className="skeleton h-9" />
        <div className="skeleton h-9" />
      </div>
    );
  return (
    <div className="grid gap-1">
      {methods.map((method) => (
        <label key={method.id} className="choice min-h-9 justify-between">
          <input
            type="radio"
            name="shipping_method"
            value={method.id}
            checked={method.id === chosen}
            onChange={() => onChoose(method.id)}
          />
          <span>
            {method.title}
            <span className="block text-sm text-soft">{days(method)}</span>
          </span>
          <Price money={method.price} />
        </label>
      ))}
    </div>
  );
}

function Step({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="gap-x-3 border-t border-line py-3 xl:grid xl:grid-cols-[144px_minmax(0,1fr)]">
      <h2 id={id} className="mb-2 text-lg">
        {title}
      </h2>
      <div>{children}</div>
    </section>
  );
}

function requestOf(form: HTMLFormElement, cart: Cart, method: string, card: string): OrderRequest {
  const values = valuesOf(form);
  const text = (name: string) => (values[name] ?? '').trim();
  return {
    cart_id: cart.id,
    email: text('email'),
    shipping_address: {
      name: text('name'),
      line1: text('line1'),
      ...(text('line2') ? { line2: text('line2') } : {}),
      city: text('city'),
      postal_code: text('postal_code'),
      country: text('country'),
    },
    shipping_method: method,
    ...(cart.total ? { currency: cart.total.currency } : {}),
    payment: { payment_method: card },
  };
}

interface Outcome {
  errors: Errors;
  notice: string;
  card: string;
  working: boolean;
}

const IDLE: Outcome = { errors: {}, notice: '', card: '', working: false };

/** Placing the order, once: the state of it, and what runs when the form is sent. */
function usePlacing(cart: Cart, method: string | undefined, field: RefObject<CardFieldHandle | null>) {
  const busy = useRef(false);
  const [outcome, setOutcome] = useState<Outcome>(IDLE);

  const finish = async (order: Order) => {
    if (order.status === 'failed') {
      forgetAttempt(); // This one came to its end; the next one is another.
      const items = cart.items.map(({ sku_id, quantity }) => ({ sku_id, quantity }));
      const refilled = await refillCart(items, order.total?.currency ?? 'EUR');
      if (refilled) cartStore.set({ cart: refilled });
      setOutcome({ ...IDLE, card: `${order.failure?.message ?? 'The payment failed.'} Nothing was charged.` });
      return;
    }
    forgetDraft();
    location.assign(nextAddress(order));
    await new Promise(() => undefined); // The page is on its way out; the button stays as it is.
  };

  const explain = (error: unknown, form: HTMLFormElement | undefined) => {
    if (error instanceof CardRefused) return setOutcome({ ...IDLE, card: error.message });
    const problem = problemFrom(error);
    const errors = fieldErrors(problem);
    const placed = form ? Object.keys(errors).filter((name) => form.elements.namedItem(name)) : [];
    setOutcome({ ...IDLE, errors, notice: placed.length > 0 ? '' : problem.detail });
    if (form) focusFirst(form, errors);
  };

  const run = async (work: () => Promise<Order>, form?: HTMLFormElement) => {
    if (busy.current) return;
    busy.current = true;
    setOutcome({ ...IDLE, working: true });
    try {
      await finish(await work());
    } catch (error) {
      explain(error, form);
    } finally {
      busy.current = false;
    }
  };

  // What was sent before and not answered, by a reload or a lost connection, is asked for again; it is the same order.
  const resume = useRef(run);
  useEffect(() => {
    resume.current = run;
  });
  useEffect(() => {
    const look = () => {
      const attempt = readAttempt();
      if (!attempt) return;
      if (!isPlaced(attempt)) void resume.current(() => sendAttempt(attempt));
      else if (attempt.lines === linesOf(cart)) location.replace(paths.order(attempt.order_id));
    };
    look();
    const shownAgain = (event: PageTransitionEvent) => event.persisted && look();
    addEventListener('pageshow', shownAgain);
    return () => removeEventListener('pageshow', shownAgain);
  }, [cart]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const errors = checkForm(form);
    if (Object.keys(errors).length > 0) {
      setOutcome({ ...IDLE, errors });
      focusFirst(form, errors);
      return;
    }
    void run(async () => {
      const pending = readAttempt();
      if (pending && !isPlaced(pending)) return sendAttempt(pending);
      const card = await field.current?.tokenise();
      if (!card || !method) throw new RequestFailed({ status: 0, code: 'incomplete', detail: 'Choose a way of delivery.', fields: {} });
      return sendAttempt(beginAttempt(requestOf(form, cart, method, card), linesOf(cart)));
    }, form);
  };
  return { ...outcome, submit };
}

function SummaryLines({ cart, method }: { cart: Cart; method: ShippingMethod | undefined }) {
  return (
    <>
      <ul className="mb-2 grid gap-2">
        {cart.items.map((item) => (
          <li key={item.id}>
            <Line
              title={item.title ?? GONE}
              href={item.product_slug ? paths.product(item.product_slug) : undefined}
              imageUrl={item.image_url}
              attributes={item.attributes}
              total={item.line_total}
              note={item.quantity > 1 ? `${item.quantity} pieces` : undefined}
            />
          </li>
        ))}
      </ul>
      <Sums
        rows={[
          { label: 'Goods', money: cart.total },
          { label: 'Delivery', money: method?.price, words: '…' },
          { label: 'Total', money: addMoney(cart.total, method?.price), strong: true },
        ]}
      />
      <p className="mt-2 text-sm">
        <a className="link" href={paths.cart}>
          Change the cart
        </a>
      </p>
    </>
  );
}

interface SummaryProps {
  cart: Cart;
  method: ShippingMethod | undefined;
}

/* On a phone it folds up above the form, on a desk it stands beside it. Each is where it is read, so that nothing moves
 * when a slow connection brings the second of them later than the form, and the keys go the way of the eyes. */
function SummaryAbove({ cart, method }: SummaryProps) {
  return (
    <details className="bg-tile px-2 lg:hidden">
      <summary className="flex min-h-7 list-none items-center justify-between font-semibold">
        <span>
          Your order{' '}
          <span aria-hidden="true" className="text-soft">
            +
          </span>
        </span>
        <Price money={addMoney(cart.total, method?.price)} />
      </summary>
      <div className="pb-2">
        <SummaryLines cart={cart} method={method} />
      </div>
    </details>
  );
}

function SummaryBeside({ cart, method }: SummaryProps) {
  return (
    <section aria-labelledby="summary" className="hidden h-fit bg-tile p-3 lg:sticky lg:top-3 lg:block">
      <h2 id="summary" className="mb-2 text-lg">
        Your order
      </h2>
      <SummaryLines cart={cart} method={method} />
    </section>
  );
}

/** The order that this tab has placed, where its cart is gone already: what was sent and not answered is asked for again. */
function usePlacedOrder() {
  const [placed, setPlaced] = useState<{ href?: string; asking?: boolean; problem?: string }>({});
  useEffect(() => {
    const attempt = readAttempt();
    if (!attempt) return;
    if (isPlaced(attempt)) {
      setPlaced({ href: paths.order(attempt.order_id) });
      return;
    }
    setPlaced({ asking: true });
    sendAttempt(attempt)
      .then((order) => location.replace(nextAddress(order)))
      .catch((error: unknown) => setPlaced({ problem: problemFrom(error).detail }));
  }, []);
  return placed;
}

function Empty() {
  const { href, asking, problem } = usePlacedOrder();
  if (asking)
    return (
      <div className="frame pt-4 lg:pt-6" role="status">
        <Title>Looking for your order…</Title>
        <p className="mt-2 text-soft">What you sent before is the same order, and it is charged once.</p>
      </div>
    );
  return (
    <div className="frame pt-4 lg:pt-6">
      <Title>There is nothing to pay for</Title>
      <p className="mt-3 max-w-[60ch] text-lg text-soft">
        Your cart is empty. {href ? 'What you have just ordered is safe.' : 'What you order while signed in is in the list of your orders.'}
      </p>
      {problem && <Notice>{problem}</Notice>}
      <p className="mt-3 flex flex-wrap gap-1">
        <a className="button" href={href ?? paths.home}>
          {href ? 'Your order' : 'Look around the shop'}
        </a>
        {href ? (
          <a className="button button-quiet" href={paths.home}>
            Look around the shop
          </a>
        ) : (
          <a className="button button-quiet" href={paths.orders}>
            Your orders
          </a>
        )}
      </p>
    </div>
  );
}

export default function CheckoutPage({ page }: { page: PageDocument }) {
  const checkout = page.checkout;
  const [cart, setCart] = useState(checkout?.cart);
  useEffect(() => cartStore.subscribe(() => setCart((known) => cartStore.get().cart ?? known)), []);
  if (!checkout || !cart || cart.items.length === 0) return <Empty />;
  return <CheckoutForm page={page} checkout={checkout} cart={cart} />;
}

function CheckoutForm({ page, checkout, cart }: { page: PageDocument; checkout: Checkout; cart: Cart }) {
  const { site, visitor } = page;
  const form = useRef<HTMLFormElement>(null);
  const field = useRef<CardFieldHandle>(null);
  const currency = cart.total?.currency ?? site.currency;
  const [country, setCountry] = useState(site.country);
  const [wanted, setWanted] = useState<string>();
  const { methods, problem } = useMethods(checkout, site.country, country, currency);
  const method = methods?.find(({ id }) => id === wanted) ?? methods?.[0];
  const { errors, notice, card, working, submit } = usePlacing(cart, method?.id, field);

  useEffect(() => {
    const draft = readDraft();
    if (form.current) fillIn(form.current, draft);
    if (draft['country']) setCountry(draft['country']);
    if (draft['shipping_method']) setWanted(draft['shipping_method']);
  }, []);

  const total = formatMoney(addMoney(cart.total, method?.price), site.locale);
  return (
    <div className="frame pt-4 lg:pt-6">
      <Title className="mb-3 lg:mb-6">Checkout</Title>
      <div className="grid gap-x-8 gap-y-4 lg:grid-cols-[minmax(0,7fr)_minmax(0,4fr)]">
        <SummaryAbove cart={cart} method={method} />
        <form
          ref={form}
          noValidate
          method="post"
          onSubmit={submit}
          onInput={(event) => keepDraft(valuesOf(event.currentTarget))}
        >
          {notice && (
            <div className="mb-3">
              <Notice>{notice}</Notice>
            </div>
          )}
          <Step title="Contact">
            <Field
              label="E-mail"
              name="email"
              type="email"
              autoComplete="email"
              inputMode="email"
              maxLength={254}
              defaultValue={visitor?.email}
              error={errors['email']}
              hint="For the confirmation of your order."
            />
            {!visitor && (
              <p className="mt-1 text-sm text-soft">
                You order as a guest. Or{' '}
                <a className="link" href={withReturn(paths.login, paths.checkout)}>
                  sign in
                </a>{' '}
                first, and find the order in your account.
              </p>
            )}
          </Step>
          <Step title="Where it goes">
            <div className="grid gap-2 sm:grid-cols-6">
              <AddressFields errors={errors} />
              <Country checkout={checkout} country={country} error={errors['country']} onChange={setCountry} />
            </div>
          </Step>
          <Step title="Delivery">
            <fieldset>
              <legend className="sr-only">Way of delivery</legend>
              <Methods methods={methods} chosen={method?.id} problem={problem} onChoose={setWanted} />
            </fieldset>
          </Step>
          <Step title="Payment">
            {checkout.card_field ? (
              <CardField source={checkout.card_field} ref={field} error={card} />
            ) : (
              <Notice>Cards cannot be taken at the moment. Your cart stays as it is.</Notice>
            )}
            <p className="mt-2 flex items-start gap-1 text-sm text-soft">
              <LockIcon />
              Your card goes straight to the payment provider. {site.name} never sees its number.
            </p>
          </Step>
          <noscript>
            <Notice>Paying needs JavaScript: the card field is a page of the payment provider.</Notice>
          </noscript>
          <div className="xl:pl-[168px]">
            <button
              type="submit"
              className="button mt-1 w-full"
              disabled={!checkout.card_field}
              aria-busy={working}
              aria-disabled={working || !method}
            >
              {working ? 'Placing your order…' : `Pay ${total}`}
            </button>
            <p role="status" className="mt-1 text-center text-sm text-soft">
              {working ? 'This takes a few seconds. It is safe to wait, and safe to press again.' : 'You are charged once, when the order is confirmed.'}
            </p>
          </div>
        </form>
        <SummaryBeside cart={cart} method={method} />
      </div>
    </div>
  );
}
