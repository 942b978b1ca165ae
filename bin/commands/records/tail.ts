import type { Command } from 'commander'
import type { ReplayRecord } from '../../../src/replay/replay-record.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { tellLost } from '../../terminal/replay-text.ts'
import { print, printJson, say, type Terminal } from '../../terminal/terminal.ts'

interface TailFlags extends opt.FormatFlags {
  readonly fromBeginning?: boolean
  /** False with --no-follow. */
  readonly follow: boolean
  readonly max?: number
}

export const examples = [
  'tail prices.ethereum --from-beginning --max 10',
  'tail warm-requests warm-results',
  'tail prices.ethereum.dlq --no-follow',
  'tail prices.ethereum --json | jq ".updates[].price"',
]

export function define(command: Command): Command {
  return command
    .description('Prints the records of topics as they arrive, decoded, until Ctrl-C.')
    .argument('<topic...>', 'the topics to read')
    .option('--from-beginning', 'print the records that are there already, too')
    .option('--no-follow', 'print the records that are there already, and end')
    .option('--max <n>', 'end after this many records', opt.count)
    .addOption(opt.formatsOption())
    .addOption(opt.configOption())
}

export async function start(terminal: Terminal, topics: readonly string[], flags: TailFlags): Promise<ExitCode> {
  const [{ withKafka }, { openTopics }, { decoded, recordText }, { Formats }] = await Promise.all([
    import('../../kafka.ts'),
    import('../../../src/replay/source/topic.ts'),
    import('../../terminal/record-text.ts'),
    import('../../../src/formats/formats.ts'),
  ])
  return withKafka(terminal, flags, async (broker, _, rules) => {
    const formats = new Formats(rules)
    const show = (record: ReplayRecord) => {
      if (flags.json === true) printJson(terminal, decoded(record, formats))
      else for (const line of recordText(record, formats)) print(terminal, line)
    }
    const { follow, max = Number.POSITIVE_INFINITY } = flags
    const source = await openTopics({
      broker,
      topics: [...new Set(topics)],
      follow,
      atEnd: follow && flags.fromBeginning !== true,
      onLost: (lost) => tellLost(terminal, 'skipped', [lost]),
    })
    let shown = 0
    for await (const records of source.read(terminal.signal)) {
      const next = records.slice(0, max - shown)
      if (!(await formats.ready(next, terminal.signal))) break
      for (const record of next) show(record)
      shown += records.length
      if (shown >= max) break
    }
    if (shown < max && terminal.signal.aborted) return INTERRUPTED
    if (shown === 0) say(terminal, `there is no record in ${topics.join(', ')}`)
    return source.lost().length > 0 ? FAILED : DONE
  })
}
