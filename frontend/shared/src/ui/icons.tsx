/* Line icons on a grid of 24; decoration only, the words beside them or the label of their control say what they mean. */
import type { ReactNode } from 'react';

function Icon({ small = false, children }: { small?: boolean; children: ReactNode }) {
  return (
    <svg
      viewBox="0 0 24 24"
      className={`${small ? 'h-2 w-2' : 'h-3 w-3'} flex-none`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const SearchIcon = () => (
  <Icon>
    <circle cx="11" cy="11" r="6.5" />
    <path d="m16 16 5 5" />
  </Icon>
);

export const CartIcon = () => (
  <Icon>
    <path d="M4.5 8.5h15l-1.2 12h-12.6z" />
    <path d="M8.5 11V7a3.5 3.5 0 0 1 7 0v4" />
  </Icon>
);

export const PersonIcon = () => (
  <Icon>
    <circle cx="12" cy="8" r="4" />
    <path d="M4.5 21c.6-4.4 3.7-6.5 7.5-6.500s6.9 2.1 7.5 6.5" />
  </Icon>
);

export const MenuIcon = () => (
  <Icon>
    <path d="M3 7h18M3 12h18M3 17h18" />
  </Icon>
);

export const CloseIcon = ({ small = false }: { small?: boolean }) => (
  <Icon small={small}>
    <path d="m5 5 14 14M19 5 5 19" />
  </Icon>
);

export const LeaveIcon = () => (
  <Icon>
    <path d="M10 4H5v16h5M10 12h10M16 8l4 4-4 4" />
  </Icon>
);

export const CheckIcon = ({ small = false }: { small?: boolean }) => (
  <Icon small={small}>
    <path d="m4.5 12.5 5 5L20 7" />
  </Icon>
);

export const MinusIcon = () => (
  <Icon>
    <path d="M5 12h14" />
  </Icon>
);

export const PlusIcon = () => (
  <Icon>
    <path d="M5 12h14M12 5v14" />
  </Icon>
);

export const ArrowIcon = () => (
  <Icon>
    <path d="M4 12h15M13 6l6 6-6 6" />
  </Icon>
);

export const LockIcon = () => (
  <Icon>
    <path d="M5.5 10.500h13v9.500h-13z" />
    <path d="M8.5 10.500V7.500a3.5 3.5 0 0 1 7 0v3" />
  </Icon>
);
