import type { Command } from 'commander'
import type { ReplayRange } from '../../src/replay/options.ts'
import { bigOffset, moment, numbers, pick } from './options.ts'

/** Which records of a topic or a recording a command reads. */
export function withRange(command: Command): Command {
  return command
    .option(
      '--since <time>',
      'only from this time on; ISO 8601 (UTC if it names no zone), or milliseconds since 1970',
      moment,
    )
    .option('--until <time>', 'only before this time', moment)
    .option('--from-offset <n>', 'only from this offset on, in every partition', bigOffset)
    .option('--to-offset <n>', 'only before this offset, in every partition', bigOffset)
    .option('--partitions <list>', 'only these partitions, separated by commas', numbers)
}

export function rangeOf(flags: ReplayRange): ReplayRange {
  return pick(flags, ['since', 'until', 'fromOffset', 'toOffset', 'partitions'])
}
