/* Signing in and up, confirming an address, and a forgotten password: the name of it, and one thing to do. */
import { paths, safeReturn, Title, withReturn, type AccessPage as Access, type PageDocument } from '@shopstream/shared';
import type { ReactNode } from 'react';

import { Forgot } from '../access/forgot';
import { Login } from '../access/login';
import { Signup } from '../access/signup';
import { Verify } from '../access/verify';

function Column({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="frame grid gap-x-8 gap-y-4 pt-4 lg:grid-cols-[minmax(0,7fr)_minmax(0,5fr)] lg:pt-6">
      <Title>{title}</Title>
      <div className="max-w-[480px] lg:pt-1">{children}</div>
    </div>
  );
}

const TITLES: Record<string, string> = {
  login: 'Sign in',
  signup: 'Create an account',
  verify: 'Confirm your address',
  forgot: 'A new password',
};

function Content({ kind, access }: { kind: string; access: Access }) {
  const back = safeReturn(access.return_to);
  if (kind === 'signup') return <Signup back={back} />;
  if (kind === 'verify') return <Verify back={back} />;
  if (kind === 'forgot') return <Forgot back={back} />;
  return <Login back={back} />;
}

function Elsewhere({ kind, back }: { kind: string; back: string }) {
  return (
    <p className="mt-4 border-t border-line pt-2 text-soft">
      {kind === 'login' ? (
        <>
          New here?{' '}
          <a className="link" href={withReturn(paths.signup, back)}>
            Create an account
          </a>
        </>
      ) : (
        <>
          You have an account?{' '}
          <a className="link" href={withReturn(paths.login, back)}>
            Sign in
          </a>
        </>
      )}
    </p>
  );
}

export default function AccessPage({ page }: { page: PageDocument }) {
  const access = page.access ?? {};
  return (
    <Column title={TITLES[page.kind] ?? 'Sign in'}>
      <noscript>
        <p className="mb-2 border-l-2 border-accent bg-wash px-2 py-1.5">Signing in needs JavaScript. Looking around does not.</p>
      </noscript>
      <Content kind={page.kind} access={access} />
      <Elsewhere kind={page.kind} back={safeReturn(access.return_to)} />
    </Column>
  );
}
