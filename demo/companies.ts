/** The two tenants of the demo and the companies that their pipelines look at: made up, and the same at every call. */

import { draw, pick } from './draw.ts';

export interface DemoTenant {
  tenantId: number;
  name: string;
  /** What the tenant's own system calls a company: its row number, or a registry number with letters. */
  idsAre: 'numbers' | 'text';
}

export const DEMO_TENANTS: readonly DemoTenant[] = [
  { tenantId: 7, name: 'meridian', idsAre: 'numbers' },
  { tenantId: 12, name: 'harbour', idsAre: 'text' },
];

export interface Company {
  id: number | string;
  name: string;
  /** In a domain that is reserved for examples, so that nobody's site is meant. */
  domain: string;
  employees: number;
}

const FIRST = [
  'Kestrel',
  'Alder',
  'Northgate',
  'Vela',
  'Juniper',
  'Orrin',
  'Saltmarsh',
  'Brightwell',
  'Tamar',
  'Quill',
];
const SECOND = [
  'Bearings',
  'Foods',
  'Logistics',
  'Optics',
  'Timber',
  'Robotics',
  'Textiles',
  'Pumps',
  'Packaging',
  'Mills',
];
const FORM = ['Ltd', 'GmbH', 'AG', 'SA', 'BV'];

/** @param count from 1; the list for n is the beginning of the list for n + 1 */
export function makeCompanies(tenant: DemoTenant, count: number): Company[] {
  return Array.from({ length: count }, (_, index) => {
    const seed = `${tenant.name} ${index}`;
    const words = `${FIRST[index % FIRST.length]} ${pick(SECOND, `${seed} second`)}`;
    const number = 10_000 + index * 37 + tenant.tenantId;
    return {
      id: tenant.idsAre === 'numbers' ? number : `HRB-${number}`,
      name: `${words} ${pick(FORM, `${seed} form`)}`,
      domain: `${words.toLowerCase().replace(' ', '-')}-${index}.example`,
      employees: Math.round(5 * 400 ** draw(`${seed} size`)),
    };
  });
}
