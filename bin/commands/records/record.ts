import type { Command } from 'commander'
import type { ReplayRange } from '../../../src/replay/options.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { rangeOf, withRange } from '../../options/range.ts'
import { withProgress } from '../../terminal/progress-line.ts'
import { recordingText, tellLost } from '../../terminal/replay-text.ts'
import { print, printJson, say, type Terminal } from '../../terminal/terminal.ts'

interface RecordFlags extends opt.FormatFlags, ReplayRange {
  readonly output: string
  readonly live?: boolean
  readonly max?: number
  readonly force?: boolean
}

export const examples = [
  'record prices.ethereum -o today.ndjson.gz --since 2026-07-10T00:00Z',
  'record prices.ethereum warm-requests -o live.ndjson --live',
]

export function define(command: Command): Command {
  command
    .description('Records what the topics hold now into a file, which forewarm replay reads.')
    .argument('<topic...>', 'the topics to record')
    .requiredOption('-o, --output <file>', 'the file to write; compressed if its name ends in .gz')
    .option('--live', 'record what arrives from now on, until --max or Ctrl-C')
  return withRange(command)
    .option('--max <n>', 'record at most this many records', opt.count)
    .option('--force', 'replace the file if it exists')
    .addOption(opt.formatsOption())
    .addOption(opt.configOption())
}

export async function start(terminal: Terminal, topics: readonly string[], flags: RecordFlags): Promise<ExitCode> {
  const [{ withKafka }, { record }] = await Promise.all([
    import('../../kafka.ts'),
    import('../../../src/replay/record.ts'),
  ])
  const report = await withKafka(terminal, flags, (broker, _, formats) =>
    withProgress(terminal, 'record', (onStart) =>
      record({
        broker,
        formats,
        topics,
        file: flags.output,
        ...rangeOf(flags),
        ...opt.pick(flags, ['max']),
        live: flags.live ?? false,
        replace: flags.force ?? false,
        signal: terminal.signal,
        onWarning: (warning) => say(terminal, `warning: ${warning}`),
        onStart,
      }),
    ),
  )
  if (flags.json === true) printJson(terminal, report)
  else print(terminal, recordingText(report))
  tellLost(terminal, 'skipped', report.skipped)
  // Ctrl-C is the regular end of a live recording.
  if (report.status === 'interrupted' && flags.live !== true) return INTERRUPTED
  const isEmpty = report.records === 0 && report.status === 'done'
  if (isEmpty) say(terminal, `nothing was recorded: there is no record in this part of ${topics.join(', ')}`)
  return isEmpty || report.skipped.length > 0 ? FAILED : DONE
}
