import type { Command } from 'commander'
import type { Format } from '../../../src/formats/format.ts'
import { BadLines, SKIP_BAD } from '../../bad-lines.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import type { ProduceReport } from '../../produce-prices.ts'
import { tellLost } from '../../terminal/replay-text.ts'
import { print, printJson, say, type Terminal } from '../../terminal/terminal.ts'

interface ProduceFlags extends opt.FormatFlags {
  readonly topic?: string
  readonly frame: number
  readonly encoding: 'json' | 'avro'
  readonly eventTime?: boolean
  readonly skipBad?: boolean
}

export const examples = [
  'produce updates.ndjson.gz --topic prices.polygon --frame 100',
  'replay prices.polygon --stdout --since 2026-07-10T00:00Z | forewarm produce - --topic prices.test',
]

export function define(command: Command): Command {
  return command
    .description(
      'Writes the price updates of a file to a topic. If the topic has a format, the lines are records of that format, and are written as they are. Nothing is written if a line cannot be read, unless it is told to skip those.',
    )
    .argument(
      '<file>',
      'price updates as NDJSON, or records of the topic, one a line; .gz or not; - reads standard input',
    )
    .option('--topic <topic>', 'the topic to write to (default: that of PRICE_TOPICS, if there is only one)')
    .option('--frame <n>', 'put up to n updates of a chain into one record', opt.count, 1)
    .option('--encoding <name>', 'json or avro', opt.oneOf(['json', 'avro']), 'json')
    .option('--event-time', 'use the event times of the updates as timestamps of the records, instead of now')
    .option(...SKIP_BAD)
    .addOption(opt.formatsOption())
    .addOption(opt.configOption())
}

function whyNothing({ failed }: ProduceReport): string {
  return failed > 0 ? `all ${failed} updates that can be read were refused` : 'there is no update that can be read'
}

function producedText({ topic, format, produced, badLines }: ProduceReport): string {
  const what = format === undefined ? `${produced}` : `${produced} records of the format of ${format}`
  return `produced ${what} to ${topic}, ${badLines} bad lines`
}

/** Records that are written as they are get no other form. */
function refuseOwnForm({ frame, encoding }: ProduceFlags, format: Format | undefined): void {
  if (format === undefined) return
  const given = { frame: frame > 1 ? frame : undefined, encoding: encoding === 'avro' ? encoding : undefined }
  opt.refuseGiven(given, 'a topic in our own format: the lines are written as they are')
}

export async function start(terminal: Terminal, file: string, flags: ProduceFlags): Promise<ExitCode> {
  const [{ withKafka }, { producePrices }, { priceTopicFor }, { Formats }] = await Promise.all([
    import('../../kafka.ts'),
    import('../../produce-prices.ts'),
    import('../../price-topic.ts'),
    import('../../../src/formats/formats.ts'),
  ])
  const badLines = new BadLines(terminal, flags)
  const report = await withKafka(terminal, flags, async (broker, config, rules) => {
    const formats = new Formats(rules)
    // A topic that is named is judged before Kafka is asked for it.
    if (flags.topic !== undefined) refuseOwnForm(flags, formats.of(flags.topic))
    const { topic, partitions } = await priceTopicFor(broker, config, flags.topic)
    refuseOwnForm(flags, formats.of(topic))
    return producePrices({
      broker,
      topic,
      partitions,
      file,
      formats,
      updatesPerRecord: flags.frame,
      encoding: flags.encoding,
      timestamps: flags.eventTime === true ? 'event-time' : 'broker',
      signal: terminal.signal,
      onWarning: (warning) => say(terminal, `warning: ${warning}`),
      onBadLine: badLines.onBadLine,
      skipsBad: flags.skipBad === true,
    })
  })
  if (flags.json === true) printJson(terminal, report)
  else print(terminal, producedText(report))
  badLines.tell()
  tellLost(terminal, 'refused', report.refused)
  if (report.status === 'interrupted') return INTERRUPTED
  if (report.produced === 0) say(terminal, `nothing was produced: ${whyNothing(report)}`)
  return report.badLines > 0 || report.failed > 0 || report.produced === 0 ? FAILED : DONE
}
