/** What one sees while the nights are played: on a terminal a line per tenant that lives, elsewhere a line when a run is over. */

import { formatCount, formatDuration } from '../receiver/cli/format.ts';
import { createStyle, paintStatus, type Style } from '../receiver/cli/style.ts';
import type { DemoTenant } from './companies.ts';
import type { Night } from './nights.ts';
import type { PlayedRun, RunWatcher, StageManager } from './perform.ts';
import { STAGES } from './pipeline.ts';
import type { StageProgress } from './shift.ts';

const REDRAW_MS = 80;
const NAME_WIDTH = 12;
const STAGE_WIDTH = 15;
const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

interface Line {
  tenant: DemoTenant;
  begunMs: number;
  stage: StageProgress;
  /** Errors of stages that are over. */
  earlierErrors: number;
  played: PlayedRun | null;
}

export interface Screen extends StageManager {
  /** Leaves the last state standing. */
  close(): void;
}

export function createScreen(stream: NodeJS.WriteStream): Screen {
  const isLive = stream.isTTY === true;
  const style = createStyle(isLive && stream.hasColors());
  let lines: Line[] = [];
  let drawn = 0;
  let frame = 0;
  const draw = () => {
    const width = Math.max(40, stream.columns ?? 80) - 1;
    const text = lines.map((line) => renderLine(line, style, frame, width)).join('\n');
    stream.write(`${drawn > 0 ? `\x1b[${drawn}A\r` : ''}\x1b[J${text}\n`);
    drawn = lines.length;
    frame++;
  };
  const timer = isLive ? setInterval(() => drawn > 0 && draw(), REDRAW_MS) : null;
  timer?.unref();
  return {
    nightBegins(night) {
      lines = [];
      drawn = 0;
      stream.write(`\n${style.bold(titleOf(night))}\n`);
    },
    runBegins(_night, tenant): RunWatcher {
      const stage = { stage: STAGES[0], done: 0, total: 0, errors: 0 };
      const line: Line = { tenant, begunMs: performance.now(), stage, earlierErrors: 0, played: null };
      lines.push(line);
      if (isLive) draw();
      return {
        progress(next) {
          if (next.stage !== line.stage.stage) line.earlierErrors += line.stage.errors;
          line.stage = next;
        },
        ended(played) {
          line.played = played;
          if (isLive) draw();
          else stream.write(`${renderLine(line, style, 0, Infinity)}\n`);
        },
      };
    },
    close() {
      if (timer !== null) clearInterval(timer);
    },
  };
}

function titleOf({ startedAt }: Night): string {
  const day = startedAt.toLocaleDateString('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
  return `Night of ${day}, 02:00`;
}

function renderLine(line: Line, style: Style, frame: number, width: number): string {
  const name = line.tenant.name.padEnd(NAME_WIDTH);
  if (line.played !== null) return renderEnded(name, line.played, style, width);
  const { stage, done, total, errors } = line.stage;
  const all = line.earlierErrors + errors;
  return join(width, [
    part(`  ${SPINNER[frame % SPINNER.length]} `, style.accent),
    part(name),
    part(bar(line.stage), style.accent),
    part(`  ${stage.padEnd(STAGE_WIDTH)}`),
    part((total > 0 ? `${done}/${total}` : '').padStart(9)),
    part(formatDuration(performance.now() - line.begunMs).padStart(9), style.dim),
    part(all > 0 ? `  ${all} ${all === 1 ? 'error' : 'errors'}` : '', style.warn),
  ]);
}

/** One cell for each stage, and the present one as far as it has come. */
function bar({ stage, done, total }: StageProgress): string {
  const place = Math.max(0, STAGES.indexOf(stage as (typeof STAGES)[number]));
  const cells = 2;
  const filled = place * cells + (total > 0 ? Math.floor((done / total) * cells) : 0);
  return `${'━'.repeat(filled)}${'─'.repeat(STAGES.length * cells - filled)}`;
}

function renderEnded(name: string, { tally, tookMs }: PlayedRun, style: Style, width: number): string {
  const status = tally.degraded ? `${tally.outcome}, degraded` : tally.outcome;
  const paint = (text: string) => paintStatus(style, tally.degraded ? 'cancelled' : tally.outcome, text);
  const mark = { succeeded: '✓', failed: '✗', cancelled: '■', running: '…' }[tally.outcome];
  const stages = [...tally.stages.values()];
  const errors = stages.reduce((sum, stage) => sum + stage.error, 0);
  const retries = stages.reduce((sum, stage) => sum + stage.retries, 0);
  const calls = [...tally.vendors.values()].reduce((sum, vendor) => sum + vendor.calls, 0);
  return join(width, [
    part(`  ${mark} `, paint),
    part(name),
    part(status.padEnd(19), paint),
    part(formatDuration(tookMs).padStart(9), style.dim),
    part(`${formatCount(tally.items)} items`.padStart(13), style.dim),
    part(`${formatCount(calls)} vendor calls`.padStart(20), style.dim),
    part(`${formatCount(errors)} errors`.padStart(13), errors > 0 ? paint : style.dim),
    part(`${formatCount(retries)} retries`.padStart(13), style.dim),
  ]);
}

interface Part {
  text: string;
  painted: string;
}

function part(text: string, paint: (text: string) => string = (plain) => plain): Part {
  return { text, painted: paint(text) };
}

/** As many parts as fit: a line that wraps could not be drawn over. */
function join(width: number, parts: readonly Part[]): string {
  let room = width;
  let line = '';
  for (const { text, painted } of parts) {
    room -= text.length;
    if (room < 0) break;
    line += painted;
  }
  return line.trimEnd();
}
