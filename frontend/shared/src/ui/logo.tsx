/* The shop's mark: a handle and a bowl in one line, which is also a wave. It goes with any name. */
export function Mark({ className = '' }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} fill="none" stroke="currentColor" strokeWidth="5" aria-hidden="true">
      <path d="M3.5 18.5v-2.25a6.25 6.25 0 0 1 12.5 0a6.25 6.25 0 0 0 12.5 0V14" />
    </svg>
  );
}

export function Logo({ name }: { name: string }) {
  return (
    <span className="flex items-center gap-1">
      <Mark className="h-4 w-4 text-accent" />
      <span className="text-lg font-bold tracking-tight max-[359px]:sr-only">{name}</span>
    </span>
  );
}
