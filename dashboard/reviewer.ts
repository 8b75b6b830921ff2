/** The name under which somebody reviews and acknowledges: that of whoever signed in as a person, else one that is given here and kept in this browser. */

import { createContext } from 'preact';
import { useContext, useState } from 'preact/hooks';

const KEY = 'runledger.name';

/** Who signed in at the identity provider; null: a token did, which says what one may do and not who one is. */
export const SignedInPerson = createContext<string | null>(null);

export function useReviewer(): [string, (name: string) => void] {
  const person = useContext(SignedInPerson);
  const [name, setName] = useState(readName);
  const keep = (next: string) => {
    setName(next);
    try {
      localStorage.setItem(KEY, next.trim());
    } catch {
      // Where nothing may be kept, the name lasts as long as the page.
      setName(next);
    }
  };
  return [person ?? name, keep];
}

function readName(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}
