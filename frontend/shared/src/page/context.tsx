/* What stands around every page, for any component below it. */
import { createContext, useContext, type ReactNode } from 'react';

import type { Galleries, PageDocument, PictureSource, Site, Visitor } from './document';

interface PageContext {
  site: Site;
  galleries: Galleries;
  path: string;
  visitor?: Visitor | undefined;
}

const Context = createContext<PageContext | undefined>(undefined);

export function PageProvider({ page, children }: { page: PageDocument; children: ReactNode }) {
  const value = { site: page.site, galleries: page.galleries ?? {}, path: page.path, visitor: page.visitor };
  return <Context value={value}>{children}</Context>;
}

export function usePage(): PageContext {
  const value = useContext(Context);
  if (!value) throw new Error('usePage outside of PageProvider');
  return value;
}

export function usePictures(imageUrl: string | undefined): PictureSource[] {
  const { galleries } = usePage();
  return (imageUrl && galleries[imageUrl]?.pictures) || [];
}
