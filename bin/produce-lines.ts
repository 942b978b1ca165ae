import type { NamedPair } from '../schemas/price-object.ts'
import type { PriceUpdate } from '../schemas/price-update.ts'
import type { Refused } from '../schemas/refusal.ts'
import type { Format } from '../src/formats/format.ts'
import type { Formats } from '../src/formats/formats.ts'
import { badPriceLine, type OnBadLine } from '../src/replay/source/bad-line.ts'
import { lineRecord } from '../src/replay/source/line-record.ts'
import { found, type Line, LineFile, linesOf } from '../src/replay/source/lines.ts'
import { type PriceLine, parsePriceLine } from '../src/replay/source/price-line.ts'

export interface ProduceLinesOptions {
  readonly topic: string
  /** `-`: standard input. */
  readonly file: string
  /** How the records of the topic are read. If they are not of our own format, the lines are such records. */
  readonly formats?: Formats | undefined
  readonly signal: AbortSignal
  /** Called for each line that cannot be read, more than once if the file is. An error that it throws ends it. */
  readonly onBadLine: OnBadLine
}

/** A record as it is. `names`: those of its first pair; undefined if it says nothing of prices. */
export interface RecordLine {
  readonly ok: true
  readonly kind: 'record'
  readonly value: Buffer
  readonly updates: readonly PriceUpdate[]
  readonly names: NamedPair | undefined
  readonly isOfOne: boolean
  readonly rounded?: number
}

export interface ParsedLine {
  readonly line: Line
  readonly parsed: PriceLine | RecordLine
}

const STANDARD_INPUT = '-'

/** A pipe, with or without a name, can be read once only. */
export async function isReadableTwice(file: string): Promise<boolean> {
  return file !== STANDARD_INPUT && (await found(file)).isFile()
}

/** Without empty lines. The lines before a bad one are handed out before it is told. */
export async function* parsedLines(options: ProduceLinesOptions): AsyncGenerator<readonly ParsedLine[]> {
  const { topic, formats } = options
  const format = formats?.of(topic)
  for await (const lines of linesFrom(options)) {
    let ready: ParsedLine[] = []
    for (const line of lines) {
      const text = line.text.trim()
      if (text === '') continue
      const parsed =
        format === undefined ? parsePriceLine({ text, isUtf8: line.isUtf8 }) : await recordLine(line, format, options)
      if (!parsed.ok) {
        yield ready
        ready = []
        options.onBadLine(badPriceLine(nameOf(options), line, parsed))
      }
      ready.push({ line, parsed })
    }
    yield ready
  }
}

/** Its time is now, which Kafka will give it. */
async function recordLine(
  line: Line,
  format: Format,
  { topic, formats, signal }: ProduceLinesOptions,
): Promise<RecordLine | Refused> {
  const record = lineRecord(line, { topic, timestampMs: Date.now() })
  if (format.held !== undefined) await formats?.ready([record], signal)
  const said = format.decode(record)
  if (!said.ok) return said
  const { updates, deleted, rounded } = said
  const [names] = [...updates, ...deleted]
  return {
    ...{ ok: true, kind: 'record', value: record.value as Buffer, updates, names },
    isOfOne: updates.length + deleted.length === 1,
    ...(rounded > 0 && { rounded }),
  }
}

export function nameOf({ file }: Pick<ProduceLinesOptions, 'file'>): string {
  return file === STANDARD_INPUT ? 'standard input' : file
}

/** The lines of the file. An interruption ends them at once, even while a pipe is silent. */
async function* linesFrom(options: ProduceLinesOptions): AsyncGenerator<readonly Line[]> {
  const { file, signal } = options
  const isInput = file === STANDARD_INPUT
  try {
    yield* isInput ? linesOf(process.stdin, nameOf(options), signal) : new LineFile(file).read(signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
