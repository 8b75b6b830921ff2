/** Asks who acts, where an act is recorded with a name and nobody signed in as a person. */

import { useContext } from 'preact/hooks';
import { SignedInPerson } from '../reviewer.ts';

interface NameFieldProps {
  name: string;
  onName: (name: string) => void;
  /** Whether somebody tried to act without one. */
  isMissing: boolean;
}

export const NAME_FIELD = 'your-name';

export function NameField({ name, onName, isMissing }: NameFieldProps) {
  const person = useContext(SignedInPerson);
  if (person !== null) return <p class="faint">As {person}</p>;
  return (
    <label class={isMissing && name.trim() === '' ? 'field name-field missing' : 'field name-field'}>
      <span>{isMissing && name.trim() === '' ? 'Your name first, please' : 'Your name'}</span>
      <input
        id={NAME_FIELD}
        value={name}
        maxLength={100}
        autocomplete="name"
        aria-invalid={isMissing && name.trim() === ''}
        onInput={(event) => onName(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur();
        }}
      />
    </label>
  );
}

export function focusName(): void {
  document.getElementById(NAME_FIELD)?.focus();
}
