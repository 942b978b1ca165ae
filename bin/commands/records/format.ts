import { statSync } from 'node:fs'
import { parse } from 'node:path'
import { Argument, type Command } from 'commander'
import type { FormatRule } from '../../../src/formats/formats.ts'
import type { KafkaRecord } from '../../../src/kafka-record.ts'
import { DONE, type ExitCode, FAILED, INTERRUPTED } from '../../exit-code.ts'
import * as opt from '../../options/options.ts'
import { loadWithFormats } from '../../settings.ts'
import { checkText, inferText } from '../../terminal/format-text.ts'
import { print, printJson, type Terminal } from '../../terminal/terminal.ts'
import { UsageError } from '../../usage-error.ts'

type Action = 'check' | 'infer' | 'list'

interface Rules {
  readonly rules: readonly FormatRule[]
}

interface Records {
  readonly records: readonly KafkaRecord[]
}

interface FormatFlags extends opt.FormatFlags {
  readonly file?: string
  readonly topic?: string
  readonly max: number
}

const RECORDS = 500

export const examples = [
  'format infer prices.binance',
  'format check prices.binance',
  'format check prices.binance --file captured.ndjson',
  'format check captured.ndjson --topic prices.binance',
  'format list',
]

export function define(command: Command): Command {
  return command
    .description(
      'Shows how the records of a topic are read. check: reads records of the topic, or the lines of a file as if they were its records, and tells what becomes of them; infer: proposes a format for such records; list: the formats of --formats and of the settings file.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(['check', 'infer', 'list']))
    .argument('[topic]', 'the topic; or a file, or - for standard input')
    .option('--file <file>', 'read these lines, one record each; - is standard input')
    .option('--topic <topic>', 'the topic of a file that is given in its place; else its name without the last part')
    .option('--max <n>', 'look at so many records', opt.count, RECORDS)
    .addOption(opt.formatsOption())
    .addOption(opt.configOption())
}

export async function start(
  terminal: Terminal,
  action: Action,
  given: string | undefined,
  options: FormatFlags,
): Promise<ExitCode> {
  const { formats: rules } = await loadWithFormats(terminal, options)
  if (action === 'list') return listed(terminal, given, { rules, ...options })
  const { topic, ...flags } = placed(action, given, options)
  const records: KafkaRecord[] = []
  for await (const some of flags.file === undefined
    ? recordsOf(terminal, topic, flags)
    : linesIn(terminal, topic, flags))
    for (const record of some) if (records.push(record) >= flags.max) break
  if (terminal.signal.aborted) return INTERRUPTED
  return action === 'infer'
    ? inferred(terminal, topic, { records, ...flags })
    : checked(terminal, topic, { records, rules, ...flags })
}

/** Which topic is meant, and the file if its lines are to be read in the topic's place. */
function placed(
  action: Action,
  given: string | undefined,
  flags: FormatFlags,
): FormatFlags & { readonly topic: string } {
  if (given === undefined) throw new UsageError(`format ${action}: expected the name of a topic, a file, or -`)
  const isFile = given === '-' || statSync(given, { throwIfNoEntry: false })?.isFile() === true
  if (flags.file !== undefined || !isFile) {
    if (flags.topic !== undefined) throw new UsageError(`--topic: expected a file or - before it, got ${given}`)
    return { ...flags, topic: given }
  }
  const { topic = given === '-' ? undefined : parse(given).name } = flags
  if (topic === undefined) throw new UsageError(`format ${action} -: expected --topic, whose records the lines are`)
  return { ...flags, topic, file: given }
}

function listed(terminal: Terminal, topic: string | undefined, { rules, json }: Rules & FormatFlags): ExitCode {
  if (topic !== undefined) throw new UsageError('format list: expected nothing after it')
  const topics = rules.map((rule) => rule.topics)
  if (json === true) printJson(terminal, { formats: topics })
  else if (topics.length === 0) print(terminal, 'there are no formats: all topics are read in our own')
  else for (const each of topics) print(terminal, each)
  return DONE
}

async function checked(
  terminal: Terminal,
  topic: string,
  { records, rules, json, file }: Records & Rules & FormatFlags,
): Promise<ExitCode> {
  const [{ Formats }, { FormatCheck }, { OWN_FORMAT }] = await Promise.all([
    import('../../../src/formats/formats.ts'),
    import('../../../src/formats/format-check.ts'),
    import('../../../src/formats/own-format.ts'),
  ])
  const formats = new Formats(rules)
  if (!(await formats.ready(records, terminal.signal))) return INTERRUPTED
  const check = new FormatCheck(topic, formats.of(topic) ?? OWN_FORMAT)
  for (const record of records) check.add(record)
  const { report } = check
  if (json === true) printJson(terminal, report)
  else for (const line of checkText(report, { file, others: rules.map((rule) => rule.topics) })) print(terminal, line)
  return report.refused.length > 0 ? FAILED : DONE
}

async function inferred(
  terminal: Terminal,
  topic: string,
  { records, json, file }: Records & FormatFlags,
): Promise<ExitCode> {
  const { inferFormat } = await import('../../../src/formats/infer/infer.ts')
  const found = inferFormat(topic, records, { areTimed: file === undefined })
  if (json === true) printJson(terminal, found)
  else for (const line of inferText(topic, { records: records.length, file }, found)) print(terminal, line)
  return found.mapping === undefined ? FAILED : DONE
}

async function* recordsOf(
  terminal: Terminal,
  topic: string,
  flags: FormatFlags,
): AsyncIterable<readonly KafkaRecord[]> {
  const [{ withKafka }, { openTopics }] = await Promise.all([
    import('../../kafka.ts'),
    import('../../../src/replay/source/topic.ts'),
  ])
  const records: KafkaRecord[] = []
  await withKafka(terminal, flags, async (broker) => {
    const source = await openTopics({ broker, topics: [topic], follow: false, atEnd: false, onLost: () => undefined })
    for await (const some of source.read(terminal.signal)) {
      records.push(...some)
      if (records.length >= flags.max) return
    }
  })
  yield records
}

/** Each line as if it were the value of a record of now. */
async function* linesIn(
  terminal: Terminal,
  topic: string,
  { file = '-' }: FormatFlags,
): AsyncIterable<readonly KafkaRecord[]> {
  const [{ LineFile, linesOf }, { lineRecord }] = await Promise.all([
    import('../../../src/replay/source/lines.ts'),
    import('../../../src/replay/source/line-record.ts'),
  ])
  const timestampMs = Date.now()
  const all =
    file === '-' ? linesOf(process.stdin, 'standard input', terminal.signal) : new LineFile(file).read(terminal.signal)
  for await (const lines of all) yield lines.map((line) => lineRecord(line, { topic, timestampMs }))
}
