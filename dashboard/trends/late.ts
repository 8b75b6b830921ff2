/** A part of a page whose code comes after the page, because it is heavy. */

import { useEffect, useState } from 'preact/hooks';

/** @param load stays the same for as long as the part is shown */
export function useLate<T>(load: () => Promise<{ default: T }>): { part: T | null; hasFailed: boolean } {
  const [part, setPart] = useState<T | null>(null);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    load().then(
      (loaded) => setPart(() => loaded.default),
      () => setFailed(true),
    );
  }, [load]);
  return { part, hasFailed };
}
