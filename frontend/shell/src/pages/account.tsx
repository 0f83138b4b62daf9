/* Who somebody is to the shop, where they are signed in, and their password. */
import {
  Field,
  formatDate,
  Notice,
  paths,
  problemFrom,
  Submit,
  Title,
  useForm,
  usePage,
  type PageDocument,
  type Session,
  type User,
} from '@shopstream/shared';
import { useId, useRef, useState, type ReactNode } from 'react';

import { changeName, changePassword, endSession } from '../access/account-calls';
import { PasswordField } from '../access/fields';
import { describeDevice } from '../access/device';

function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="grid grid-cols-[minmax(0,1fr)] gap-x-6 gap-y-2 border-t border-line py-4 md:grid-cols-[minmax(0,1fr)_minmax(0,2fr)]">
      <h2 id={id} className="text-xl">
        {title}
      </h2>
      <div>{children}</div>
    </section>
  );
}

function Profile({ user }: { user: User }) {
  const { site } = usePage();
  const [saved, setSaved] = useState(false);
  const { errors, problem, working, onSubmit } = useForm(async ({ name = '' }) => {
    setSaved(false);
    await changeName(name.trim());
    setSaved(true);
  });
  return (
    <>
      <form noValidate method="post" onSubmit={onSubmit} className="grid max-w-[448px] gap-2">
        {problem && <Notice>{problem.detail}</Notice>}
        {saved && <Notice tone="plain">Your name is changed.</Notice>}
        <Field label="Name" name="name" autoComplete="name" maxLength={200} defaultValue={user.name} error={errors['name']} />
        <Submit working={working}>{working ? 'One moment…' : 'Save the name'}</Submit>
      </form>
      <dl className="mt-3 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
        <dt className="text-soft">E-mail</dt>
        <dd className="break-all">{user.email}</dd>
        <dt className="text-soft">Here since</dt>
        <dd>{formatDate(user.created_at, site.locale)}</dd>
      </dl>
    </>
  );
}

function SessionRow({ session, onEnd }: { session: Session; onEnd: (session: Session) => void }) {
  const { site } = usePage();
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-3 border-b border-line py-1.5 first:pt-0">
      <p>
        {describeDevice(session.user_agent)}
        <span className="block text-sm text-soft">
          {session.current ? 'This device' : `Last used on ${formatDate(session.last_used_at, site.locale)}`}
          {session.address && `, ${session.address}`}
        </span>
      </p>
      {!session.current && (
        <button type="button" className="link min-h-6" onClick={() => onEnd(session)}>
          Sign out<span className="sr-only"> of {describeDevice(session.user_agent)}</span>
        </button>
      )}
    </li>
  );
}

function Sessions({ initial }: { initial: Session[] }) {
  const [sessions, setSessions] = useState(initial);
  const [problem, setProblem] = useState('');
  const end = (ended: Session) => {
    setProblem('');
    endSession(ended.id)
      .then(() => setSessions((known) => known.filter(({ id }) => id !== ended.id)))
      .catch((error: unknown) => setProblem(problemFrom(error).detail));
  };
  return (
    <>
      {problem && <Notice>{problem}</Notice>}
      <ul aria-label="Where you are signed in">
        {sessions.map((session) => (
          <SessionRow key={session.id} session={session} onEnd={end} />
        ))}
      </ul>
    </>
  );
}

function Password({ email }: { email: string }) {
  const form = useRef<HTMLFormElement>(null);
  const [changed, setChanged] = useState(false);
  const { errors, problem, working, onSubmit } = useForm(async ({ current_password = '', new_password = '' }) => {
    setChanged(false);
    await changePassword({ current_password, new_password });
    form.current?.reset();
    setChanged(true);
  });
  return (
    <form ref={form} noValidate method="post" onSubmit={onSubmit} className="grid max-w-[448px] gap-2">
      {problem && <Notice>{problem.detail}</Notice>}
      {changed && <Notice tone="plain">Your password is changed.</Notice>}
      <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
      <PasswordField errors={errors} label="Current password" name="current_password" />
      <PasswordField errors={errors} label="New password" name="new_password" fresh />
      <Submit working={working}>{working ? 'One moment…' : 'Change the password'}</Submit>
    </form>
  );
}

export default function AccountPage({ page }: { page: PageDocument }) {
  const account = page.account;
  if (!account) return null;
  return (
    <div className="frame pt-4 lg:pt-6">
      <div className="mb-5 flex flex-wrap items-end justify-between gap-2 lg:mb-8">
        <Title>Your account</Title>
        <a className="button button-quiet" href={paths.orders}>
          Your orders
        </a>
      </div>
      <Section title="You">
        <Profile user={account.user} />
      </Section>
      <Section title="Where you are signed in">
        <Sessions initial={account.sessions} />
      </Section>
      <Section title="Password">
        <Password email={account.user.email} />
      </Section>
    </div>
  );
}
