import type { Command } from 'commander'
import type { ReplayRange } from '../../src/replay/options.ts'
import { bigOffset, moment, numbers } from './options.ts'

/** Which records of a topic or a recording, for the commands that read a stretch of one. */
export interface RangeFlags {
  readonly since?: string | number
  readonly until?: string | number
  readonly fromOffset?: bigint
  readonly toOffset?: bigint
  readonly partitions?: readonly number[]
}

export function withRange(command: Command): Command {
  return command
    .option('--since <time>', 'from this moment on, ISO 8601 or milliseconds', moment)
    .option('--until <time>', 'before this moment', moment)
    .option('--from-offset <n>', 'from this offset on, in every partition', bigOffset)
    .option('--to-offset <n>', 'before this offset, in every partition', bigOffset)
    .option('--partitions <list>', 'only these partitions', numbers)
}

export function rangeOf({ since, until, fromOffset, toOffset, partitions }: RangeFlags): ReplayRange {
  return {
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(fromOffset !== undefined && { fromOffset }),
    ...(toOffset !== undefined && { toOffset }),
    ...(partitions !== undefined && { partitions }),
  }
}
