import { Field, Notice, Submit, useForm } from '@shopstream/shared';
import { useState } from 'react';

import { confirmAddress, keepAddress, signIn, signUp } from './account-calls';
import { CodeField, EmailField, PasswordField } from './fields';

interface Account {
  email: string;
  password: string;
}

function Details({ onDone }: { onDone: (account: Account) => void }) {
  const { errors, problem, working, onSubmit } = useForm(async ({ email = '', password = '', name = '' }) => {
    await signUp({ email, password, name });
    keepAddress(email);
    onDone({ email, password });
  });
  return (
    <form noValidate method="post" onSubmit={onSubmit} className="grid gap-2">
      {problem && <Notice>{problem.detail}</Notice>}
      <Field label="Name" name="name" autoComplete="name" maxLength={200} error={errors['name']} />
      <EmailField errors={errors} />
      <PasswordField errors={errors} fresh />
      <Submit working={working}>{working ? 'One moment…' : 'Create the account'}</Submit>
    </form>
  );
}

/** The second step stays on the page, so that the password has not to be typed again. */
function Code({ account, back }: { account: Account; back: string }) {
  const { errors, problem, working, onSubmit } = useForm(async ({ code = '' }) => {
    await confirmAddress({ email: account.email, code });
    await signIn(account.email, account.password);
    location.assign(back);
  });
  return (
    <form noValidate method="post" onSubmit={onSubmit} className="grid gap-2">
      <Notice tone="plain">
        We have sent a code to <strong className="font-semibold break-all">{account.email}</strong>.
      </Notice>
      {problem && <Notice>{problem.detail}</Notice>}
      <CodeField errors={errors} />
      <Submit working={working}>{working ? 'One moment…' : 'Confirm and sign in'}</Submit>
    </form>
  );
}

export function Signup({ back }: { back: string }) {
  const [account, setAccount] = useState<Account>();
  return account ? <Code account={account} back={back} /> : <Details onDone={setAccount} />;
}
