/** Keys of the page that is shown. Keys typed into a field belong to the field, and combinations belong to the browser. */

import { useEffect, useRef } from 'preact/hooks';

export type KeyMap = Record<string, () => void>;

export function useKeys(keys: KeyMap): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return;
      const target = event.target as HTMLElement | null;
      if (target !== null && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
      // A focused link or button keeps what it does by itself.
      if (event.key === 'Enter' && target !== null && /^(A|BUTTON|SUMMARY)$/.test(target.tagName)) return;
      const act = current.current[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
