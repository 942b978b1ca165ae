import type { Command } from 'commander'
import type { ReplayRecord } from '../../src/replay/replay-record.ts'
import { DONE, type ExitCode, INTERRUPTED } from '../exit-code.ts'
import * as opt from '../options/options.ts'
import { print, printJson, type Terminal } from '../terminal/terminal.ts'

interface TailFlags extends opt.CommandFlags {
  readonly fromBeginning?: boolean
  readonly max?: number
}

export const examples = [
  'tail prices.ethereum --from-beginning --max 10',
  'tail warm-requests warm-results',
  'tail prices.ethereum --json | jq ".updates[].price"',
]

export function define(command: Command): Command {
  return command
    .description('Prints the records of topics as they arrive, decoded, until Ctrl-C.')
    .argument('<topic...>', 'the topics to read')
    .option('--from-beginning', 'print the records that are there already, too')
    .option('--max <n>', 'end after this many records', opt.count)
    .addOption(opt.configOption())
}

export async function start(terminal: Terminal, topics: readonly string[], flags: TailFlags): Promise<ExitCode> {
  const [{ withKafka }, { openTopics }, { decoded, recordText }] = await Promise.all([
    import('../kafka.ts'),
    import('../../src/replay/source/topic.ts'),
    import('../terminal/record-text.ts'),
  ])
  const show = (record: ReplayRecord) => {
    if (flags.json === true) printJson(terminal, decoded(record))
    else for (const line of recordText(record)) print(terminal, line)
  }
  return withKafka(terminal, flags, async (broker) => {
    const atEnd = flags.fromBeginning !== true
    const source = await openTopics({ broker, topics: [...new Set(topics)], follow: true, atEnd })
    let left = flags.max ?? Number.POSITIVE_INFINITY
    for await (const records of source.read(terminal.signal)) {
      for (const record of records.slice(0, left)) show(record)
      left -= records.length
      if (left <= 0) return DONE
    }
    return INTERRUPTED
  })
}
