/** Where jobs say what they did; apart from the list of jobs, which imports them all. */

/** Structured log, fields first; a pino logger fits. */
export interface JobLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
