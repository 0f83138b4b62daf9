import { Notice, paths, Submit, useForm, withReturn } from '@shopstream/shared';
import { useEffect, useState } from 'react';

import { confirmAddress, keepAddress, keptAddress } from './account-calls';
import { CodeField, EmailField } from './fields';

/** The address of the page before, known only in this tab: after the server's HTML was taken over. */
export function useKeptAddress(): string {
  const [address, setAddress] = useState('');
  useEffect(() => setAddress(keptAddress()), []);
  return address;
}

export function Verify({ back }: { back: string }) {
  const address = useKeptAddress();
  const { errors, problem, working, onSubmit } = useForm(async ({ email = '', code = '' }) => {
    await confirmAddress({ email, code });
    keepAddress(email);
    location.assign(withReturn(paths.login, back));
  });
  return (
    <form noValidate method="post" onSubmit={onSubmit} className="grid gap-2">
      {problem && <Notice>{problem.detail}</Notice>}
      <EmailField key={address} errors={errors} initial={address} />
      <CodeField errors={errors} />
      <Submit working={working}>{working ? 'One moment…' : 'Confirm the address'}</Submit>
    </form>
  );
}
