/* What the API says when it refuses (RFC 9457), and how a page shows it. */
export interface Problem {
  status: number;
  code: string;
  detail: string;
  /** By JSON pointer, as "/shipping_address/city". */
  fields: Record<string, string>;
  trace_id?: string;
}

interface ProblemBody {
  status?: number;
  title?: string;
  code?: string;
  detail?: string;
  errors?: { pointer?: string; detail?: string }[];
  trace_id?: string;
}

/** For names that come from outside: one without a prototype, so that no name is more than a name. */
export function record(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

const UNREACHABLE: Problem = {
  status: 0,
  code: 'unreachable',
  detail: 'The shop cannot be reached. Check your connection and try again.',
  fields: {},
};

function isBody(value: unknown): value is ProblemBody {
  return typeof value === 'object' && value !== null;
}

export function problemOf(status: number, body: unknown): Problem {
  const from = isBody(body) ? body : {};
  const fields = record();
  for (const error of from.errors ?? []) if (error.pointer) fields[error.pointer] = error.detail ?? '';
  return {
    status,
    code: from.code ?? 'unknown',
    detail: from.detail ?? (status >= 500 ? 'Something went wrong on our side. Try again in a moment.' : from.title ?? ''),
    fields,
    ...(from.trace_id ? { trace_id: from.trace_id } : {}),
  };
}

export class RequestFailed extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
  }
}

export function problemFrom(error: unknown): Problem {
  return error instanceof RequestFailed ? error.problem : UNREACHABLE;
}
