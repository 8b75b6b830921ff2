/** Walks that are done in steps, as tests want them: to the end at once. */

/** The result of a walk that is done in steps, and how often it let others have their turn. */
export function finish<T>(steps: Generator<unknown, T>): T & { turns: number } {
  for (let turns = 0; ; turns++) {
    const step = steps.next();
    if (step.done === true) return { ...step.value, turns };
  }
}
