/** Light or dark: what the system says, unless somebody chose. */

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'runledger.theme';

export function readTheme(): Theme {
  const kept = storage()?.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

export function setTheme(theme: Theme): void {
  if (theme === 'system') storage()?.removeItem(KEY);
  else storage()?.setItem(KEY, theme);
  applyTheme();
}

export function applyTheme(): void {
  const theme = readTheme();
  document.documentElement.style.colorScheme = theme === 'system' ? 'light dark' : theme;
  dispatchEvent(new Event('themechange'));
}

/** Some browsers forbid it, and then nothing is kept. */
function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
