import { Notice, paths, Submit, useForm, withReturn } from '@shopstream/shared';

import { keepAddress, signIn } from './account-calls';
import { EmailField, PasswordField } from './fields';

export function Login({ back }: { back: string }) {
  const { errors, problem, working, onSubmit } = useForm(async ({ email = '', password = '' }) => {
    keepAddress(email);
    await signIn(email, password);
    location.assign(back);
  });
  return (
    <form noValidate method="post" onSubmit={onSubmit} className="grid gap-2">
      {problem?.code === 'email_not_verified' ? (
        <Notice>
          Your address is not confirmed yet.{' '}
          <a className="link" href={withReturn(paths.verify, back)}>
            Confirm it with the code from our mail
          </a>
        </Notice>
      ) : (
        problem && <Notice>{problem.status === 401 ? 'Address and password do not go together.' : problem.detail}</Notice>
      )}
      <EmailField errors={errors} />
      <PasswordField errors={errors} />
      <Submit working={working}>{working ? 'Signing in…' : 'Sign in'}</Submit>
      <p>
        <a className="link" href={withReturn(paths.forgot, back)}>
          Forgot your password?
        </a>
      </p>
    </form>
  );
}
