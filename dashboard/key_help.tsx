/** The keys of the page one is on, and those that work everywhere. */

import { useEffect, useRef } from 'preact/hooks';

const EVERYWHERE: [string, string][] = [
  ['?', 'these keys'],
  ['/', 'to the filter'],
  ['Esc', 'close'],
];

const OF_PAGE: Record<string, [string, string][]> = {
  runs: [
    ['j k', 'next, previous run'],
    ['Enter', 'open the run'],
  ],
  run: [
    ['o e c', 'overview, events, compare'],
    ['j k', 'next, previous stage or event'],
    ['n p', 'next, previous page of events'],
  ],
  alerts: [
    ['j k', 'next, previous alert'],
    ['a', 'acknowledge'],
    ['s', 'snooze for four hours'],
  ],
  qa: [
    ['1 to 9', 'tick a check'],
    ['p', 'pass, and next'],
    ['f', 'fail, and next'],
    ['n', 'write a note'],
    ['j k', 'next, back'],
    ['u', 'undo the last judgement'],
  ],
};

export function KeyHelp({ page, onClose }: { page: string; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const keys = [...(OF_PAGE[page] ?? []), ...(page === 'runs' ? (OF_PAGE.run ?? []) : []), ...EVERYWHERE];
  return (
    <dialog ref={dialog} class="key-help" aria-label="Keys" onClose={onClose}>
      <h2>Keys</h2>
      <dl>
        {keys.map(([key, what]) => (
          <div key={key + what}>
            <dt>{key.split(' ').map((part) => (part === 'to' ? ' to ' : <kbd key={part}>{part}</kbd>))}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
