/** The name under which somebody reviews and acknowledges, kept in this browser. A token says what one may do, not who one is. */

import { useState } from 'preact/hooks';

const KEY = 'runledger.name';

export function useReviewer(): [string, (name: string) => void] {
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
  return [name, keep];
}

function readName(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}
