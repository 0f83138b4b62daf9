import { Notice, Submit, useForm } from '@shopstream/shared';
import { useState } from 'react';

import { askForCode, keepAddress, resetPassword, signIn } from './account-calls';
import { CodeField, EmailField, PasswordField } from './fields';
import { useKeptAddress } from './verify';

function Ask({ onDone }: { onDone: (email: string) => void }) {
  const address = useKeptAddress();
  const { errors, problem, working, onSubmit } = useForm(async ({ email = '' }) => {
    await askForCode(email);
    keepAddress(email);
    onDone(email);
  });
  return (
    <form noValidate method="post" onSubmit={onSubmit} className="grid gap-2">
      <p className="text-soft">We send a code to your address; with it you choose a new password.</p>
      {problem && <Notice>{problem.detail}</Notice>}
      <EmailField key={address} errors={errors} initial={address} />
      <Submit working={working}>{working ? 'One moment…' : 'Send the code'}</Submit>
    </form>
  );
}

function Choose({ email, back }: { email: string; back: string }) {
  const { errors, problem, working, onSubmit } = useForm(async ({ code = '', password = '' }) => {
    await resetPassword({ email, code, password });
    await signIn(email, password);
    location.assign(back);
  });
  return (
    <form noValidate method="post" onSubmit={onSubmit} className="grid gap-2">
      <Notice tone="plain">
        If there is an account for <strong className="font-semibold break-all">{email}</strong>, a code is on its way.
      </Notice>
      {problem && <Notice>{problem.detail}</Notice>}
      <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
      <CodeField errors={errors} />
      <PasswordField errors={errors} label="New password" fresh />
      <Submit working={working}>{working ? 'One moment…' : 'Set the password and sign in'}</Submit>
      <p className="text-sm text-soft">You are signed out everywhere else.</p>
    </form>
  );
}

export function Forgot({ back }: { back: string }) {
  const [email, setEmail] = useState<string>();
  return email === undefined ? <Ask onDone={setEmail} /> : <Choose email={email} back={back} />;
}
