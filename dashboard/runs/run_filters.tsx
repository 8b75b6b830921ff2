/** The filters of the list of runs. Each is a parameter of the address. */

import { useEffect, useState } from 'preact/hooks';
import type { PipelinePage } from '../../receiver/serve/shape.ts';
import { apiPath, useApi } from '../api.ts';
import type { SignedInState } from '../page.ts';
import { setQuery } from '../router.ts';

const STATUSES = ['running', 'succeeded', 'failed', 'cancelled', 'abandoned'];
const SPANS: [string, string][] = [
  ['1', 'today'],
  ['2', 'since yesterday'],
  ['7', '7 days'],
  ['30', '30 days'],
];
const TYPING_MS = 250;
/** Where one is in a list; another filter makes another list. */
const PLACE = { at: null, after: null, page: null };

export function RunFilters({ query, session }: { query: URLSearchParams; session: SignedInState }) {
  const { data } = useApi<PipelinePage>(apiPath('/pipelines', { tenant: query.get('tenant') }));
  const names = [...new Set((data?.pipelines ?? []).flatMap(({ pipeline }) => pipeline ?? []))].sort();
  return (
    <search class="filters">
      <Typed name="q" label="Run key or id" query={query} isFirst />
      {session.kind === 'admin' && <Typed name="tenant" label="Tenant" query={query} />}
      <Choice
        name="pipeline"
        label="Pipeline"
        query={query}
        choices={withPresent(names, query.get('pipeline')).map((name) => [name, name])}
      />
      <Choice name="status" label="Status" query={query} choices={STATUSES.map((status) => [status, status])} />
      <Choice name="days" label="Time" query={query} choices={SPANS} all="any time" />
      <Choice name="alerts" label="Alerts" query={query} choices={[['yes', 'with open alerts']]} />
    </search>
  );
}

function withPresent(names: string[], present: string | null): string[] {
  return present === null || names.includes(present) ? names : [...names, present];
}

interface FieldProps {
  name: string;
  label: string;
  query: URLSearchParams;
}

export function Choice({
  name,
  label,
  query,
  choices,
  all = 'all',
}: FieldProps & { choices: [string, string][]; all?: string }) {
  return (
    <div class="field">
      <label for={`filter-${name}`}>{label}</label>
      <select
        id={`filter-${name}`}
        value={query.get(name) ?? ''}
        onChange={(event) => setQuery({ [name]: event.currentTarget.value, ...PLACE })}
      >
        <option value="">{all}</option>
        {choices.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Asks when the typing stops. */
export function Typed({ name, label, query, isFirst = false }: FieldProps & { isFirst?: boolean }) {
  const given = query.get(name) ?? '';
  const [text, setText] = useState(given);
  useEffect(() => setText(given), [given]);
  useEffect(() => {
    if (text === given) return;
    const timer = setTimeout(() => setQuery({ [name]: text.trim(), ...PLACE }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, given, name]);
  return (
    <div class="field">
      <label for={`filter-${name}`}>{label}</label>
      <input
        id={`filter-${name}`}
        type="search"
        size={name === 'tenant' ? 8 : 16}
        value={text}
        spellcheck={false}
        autocomplete="off"
        data-filter={isFirst ? '' : undefined}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </div>
  );
}
