import { createReadStream } from 'node:fs'
import { Argument, type Command } from 'commander'
import type { FormatCheck, FormatCheckReport } from '../../src/formats/format-check.ts'
import type { Formats } from '../../src/formats/formats.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../exit-code.ts'
import * as opt from '../options/options.ts'
import { loadSettings } from '../settings.ts'
import { formatText } from '../terminal/format-text.ts'
import { print, printJson, type Terminal } from '../terminal/terminal.ts'
import { UsageError } from '../usage-error.ts'

interface FormatFlags extends opt.CommandFlags {
  readonly file?: string
  readonly max: number
}

const RECORDS = 500

export const examples = [
  'format check prices.binance',
  'format check prices.binance --file captured.ndjson',
  'format list',
]

export function define(command: Command): Command {
  return command
    .description(
      'Shows how the records of a topic are read. check: reads records of the topic, or the lines of a file as if they were its records, and tells what becomes of them; list: the formats of the settings file.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(['check', 'list']))
    .argument('[topic]', 'the topic')
    .option('--file <file>', 'read these lines, one record each; - is standard input')
    .option('--max <n>', 'look at so many records', opt.count, RECORDS)
    .addOption(opt.configOption())
}

export async function start(
  terminal: Terminal,
  action: 'check' | 'list',
  topic: string | undefined,
  flags: FormatFlags,
): Promise<ExitCode> {
  const { formats: rules } = loadSettings(terminal, flags)
  if (action === 'list') {
    if (topic !== undefined) throw new UsageError('format list: expected nothing after it')
    const topics = rules.map((rule) => rule.topics)
    if (flags.json === true) printJson(terminal, { formats: topics })
    else for (const each of topics) print(terminal, each)
    return DONE
  }
  if (topic === undefined) throw new UsageError('format check: expected the name of a topic')
  const [{ Formats: Found }, { FormatCheck: Check }, { OWN_FORMAT }] = await Promise.all([
    import('../../src/formats/formats.ts'),
    import('../../src/formats/format-check.ts'),
    import('../../src/formats/own-format.ts'),
  ])
  const formats: Formats = new Found(rules)
  const check = new Check(topic, formats.of(topic) ?? OWN_FORMAT)
  if (flags.file === undefined) await addRecords(terminal, check, topic, flags)
  else await addLines(terminal, check, topic, { ...flags, file: flags.file })
  return told(terminal, check.report, flags)
}

function told(terminal: Terminal, report: FormatCheckReport, { json }: FormatFlags): ExitCode {
  if (json === true) printJson(terminal, report)
  else for (const line of formatText(report)) print(terminal, line)
  if (terminal.signal.aborted) return INTERRUPTED
  return report.refused.length > 0 ? FAILED : DONE
}

async function addRecords(terminal: Terminal, check: FormatCheck, topic: string, flags: FormatFlags): Promise<void> {
  const [{ withKafka }, { openTopics }] = await Promise.all([
    import('../kafka.ts'),
    import('../../src/replay/source/topic.ts'),
  ])
  await withKafka(terminal, flags, async (broker) => {
    const source = await openTopics({ broker, topics: [topic], follow: false, atEnd: false, onLost: () => undefined })
    let left = flags.max
    for await (const records of source.read(terminal.signal)) {
      for (const record of records.slice(0, left)) check.add(record)
      left -= records.length
      if (left <= 0) break
    }
  })
}

async function addLines(
  terminal: Terminal,
  check: FormatCheck,
  topic: string,
  { file, max }: FormatFlags & { readonly file: string },
): Promise<void> {
  const { linesOf } = await import('../../src/replay/source/lines.ts')
  const bytes = file === '-' ? process.stdin : createReadStream(file)
  let offset = 0
  for await (const lines of linesOf(bytes, file, terminal.signal))
    for (const { text } of lines) {
      if (offset >= max) return
      const value = Buffer.from(text)
      const of = { topic, partition: 0, offset: BigInt(offset++), timestampMs: Date.now() }
      check.add({ ...of, key: undefined, value, headers: [] })
    }
}
