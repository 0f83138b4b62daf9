/* What the pages of access and account ask of the identity service and of the browser's session. */
import { api, call, loadVisitor, newKey, unwrap } from '@shopstream/shared';

const ADDRESS = 'access-email';

/** The address that somebody has just given, for the next of these pages in this tab. */
export function keepAddress(email: string): void {
  sessionStorage.setItem(ADDRESS, email);
}

export function keptAddress(): string {
  return sessionStorage.getItem(ADDRESS) ?? '';
}

export async function signIn(email: string, password: string): Promise<void> {
  await call('POST', '/session', { email, password });
  sessionStorage.removeItem(ADDRESS);
}

export async function signUp(body: { email: string; password: string; name: string }): Promise<void> {
  await unwrap(api.POST('/api/identity/v1/signup', { body }));
}

export async function confirmAddress(body: { email: string; code: string }): Promise<void> {
  await unwrap(api.POST('/api/identity/v1/verify', { body }));
}

export async function askForCode(email: string): Promise<void> {
  await unwrap(api.POST('/api/identity/v1/password/forgot', { body: { email } }));
}

export async function resetPassword(body: { email: string; code: string; password: string }): Promise<void> {
  await unwrap(api.POST('/api/identity/v1/password/reset', { body }));
}

export async function changePassword(body: { current_password: string; new_password: string }): Promise<void> {
  await unwrap(api.POST('/api/identity/v1/password/change', { body }));
}

/** The header greets by the new name at once. */
export async function changeName(name: string): Promise<void> {
  await unwrap(api.PATCH('/api/identity/v1/me', { params: { header: { 'Idempotency-Key': newKey() } }, body: { name } }));
  await loadVisitor();
}

export async function endSession(id: string): Promise<void> {
  await unwrap(api.DELETE('/api/identity/v1/sessions/{id}', { params: { path: { id } } }));
}
