/** Who sits at the terminal, for the record of what people did. */

import { userInfo } from 'node:os';

/** A container may run under a number that has no name. */
export function loginName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return 'command line';
    throw error;
  }
}
