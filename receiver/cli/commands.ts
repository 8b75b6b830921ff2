/** The commands in the order in which the help lists them. */

import { registerAlerts } from './alerts.ts';
import { registerAudit } from './audit.ts';
import { registerBackup } from './backup.ts';
import { registerChannel } from './channel.ts';
import type { Register } from './command.ts';
import { registerConfig } from './config.ts';
import { registerDemo } from './demo.ts';
import { registerDoctor } from './doctor.ts';
import { registerExplain } from './explain.ts';
import { registerExport } from './export.ts';
import { registerJob } from './job.ts';
import { registerMigrate } from './migrate.ts';
import { registerPrice } from './price.ts';
import { registerRebuild } from './rebuild.ts';
import { registerReplay } from './replay.ts';
import { registerRestore } from './restore.ts';
import { registerRule } from './rule.ts';
import { registerRuns } from './runs.ts';
import { registerSchedule } from './schedule.ts';
import { registerShow } from './show.ts';
import { registerSql } from './sql.ts';
import { registerStart } from './start.ts';
import { registerTenantCommands } from './tenant.ts';
import { registerToken } from './token.ts';

export const commands: readonly Register[] = [
  registerStart,
  registerDemo,
  registerRuns,
  registerShow,
  registerSql,
  registerExport,
  registerAlerts,
  registerRule,
  registerSchedule,
  registerPrice,
  registerTenantCommands,
  registerToken,
  registerChannel,
  registerExplain,
  registerReplay,
  registerAudit,
  registerRebuild,
  registerJob,
  registerBackup,
  registerRestore,
  registerMigrate,
  registerConfig,
  registerDoctor,
];
