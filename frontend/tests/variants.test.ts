import type { Sku } from '@shopstream/shared';
import { expect, it } from 'vitest';

import { attributesOf, choose, firstChoice, standingOf } from '../catalog/src/variants';

const sku = (id: string, colour: string, size: string, available: number): Sku => ({
  id,
  attributes: { colour, size },
  available,
});
/* Sage comes in S and M, ivory in M only, and sage S is sold out. */
const SKUS = [sku('1', 'Sage', 'S', 0), sku('2', 'Sage', 'M', 4), sku('3', 'Ivory', 'M', 2)];

it('shows first what can be bought', () => {
  expect(firstChoice(SKUS)?.id).toBe('2');
  expect(firstChoice(SKUS.slice(0, 1))?.id).toBe('1');
  expect(firstChoice([])).toBeUndefined();
});

it('knows the attributes and their values in order', () => {
  expect(attributesOf(SKUS)).toEqual([
    { name: 'colour', values: ['Sage', 'Ivory'] },
    { name: 'size', values: ['S', 'M'] },
  ]);
});

it('tells what is there from what is sold out and what is not made', () => {
  expect(standingOf(SKUS, { colour: 'Sage', size: 'M' }, 'colour', 'Ivory')).toBe('available');
  expect(standingOf(SKUS, { colour: 'Sage', size: 'M' }, 'size', 'S')).toBe('sold-out');
  expect(standingOf(SKUS, { colour: 'Ivory', size: 'M' }, 'size', 'S')).toBe('none');
});

it('goes to the nearest variant that exists', () => {
  expect(choose(SKUS, SKUS[1] as Sku, 'size', 'S').id).toBe('1');
  expect(choose(SKUS, SKUS[2] as Sku, 'size', 'S').id).toBe('1');
  expect(choose(SKUS, SKUS[0] as Sku, 'colour', 'Ivory').id).toBe('3');
  expect(choose(SKUS, SKUS[0] as Sku, 'colour', 'Plum').id).toBe('1');
});
