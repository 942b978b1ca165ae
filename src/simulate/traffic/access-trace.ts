import { enlarged } from '../../../schemas/enlarged.ts'
import type { OnBadLine } from '../../replay/source/bad-line.ts'
import { LineFile } from '../../replay/source/lines.ts'
import { SimulationError } from '../simulation-error.ts'
import { endAtBadLine } from './recorded-updates.ts'

/** Recorded accesses in order. Keys are numbered by first appearance. */
export interface AccessTrace {
  readonly name: string
  readonly accesses: Int32Array
  /** Distinct keys. */
  readonly keys: number
}

/** A policy and a predictor keep something for each key: more keys would take gigabytes. */
const MAX_KEYS = 4_000_000
const FIRST_ACCESSES = 65_536
/** No real key is longer; a file with such lines is something else. */
const MAX_KEY_LENGTH = 4_096
const CONTROL_CHARACTER = /[^\P{Cc}\t]/u
const SEPARATOR = /[,;\t]/

/**
 * Reads one key a line; a file whose name ends in .gz is unpacked. Rejects with `no-such-file`; with `corrupt-recording`
 * if it cannot be unpacked to its end; and with the signal's reason when it is aborted. A line that is no key goes to
 * `onBadLine`, which by default throws `bad-file` with the line's number. A separator in a line means a second column. It
 * is refused, because hardly two whole lines would be the same key.
 */
export async function readAccesses(
  path: string,
  signal?: AbortSignal,
  onBadLine: OnBadLine = endAtBadLine,
): Promise<AccessTrace> {
  const idOf = new Map<string, number>()
  let accesses = new Int32Array(FIRST_ACCESSES)
  let count = 0
  for await (const lines of new LineFile(path).read(signal)) {
    if (count + lines.length > accesses.length) {
      const room = Math.max(accesses.length * 2, count + lines.length)
      accesses = enlarged(accesses, new Int32Array(room))
    }
    for (const { text, isUtf8, number } of lines) {
      const key = text.endsWith('\r') ? text.slice(0, -1) : text
      let id = idOf.get(key)
      if (id === undefined || !isUtf8) {
        const reason = problemOf(key, idOf.size) ?? (isUtf8 ? undefined : 'expected a key in UTF-8, got other bytes')
        if (reason !== undefined) {
          onBadLine({ file: path, line: number, column: 1, reason: 'bad-key', detail: reason })
          continue
        }
        id = idOf.size
        idOf.set(key, id)
      }
      accesses[count++] = id
    }
  }
  if (count === 0) throw new SimulationError('bad-file', `${path} is empty: expected one key a line`)
  return { name: path, accesses: accesses.subarray(0, count), keys: idOf.size }
}

/** Why the text is no key; undefined if it is one. */
function problemOf(key: string, known: number): string | undefined {
  if (key.trim() === '') return 'expected a key, got a blank line'
  if (key.length > MAX_KEY_LENGTH) return `expected a key of at most ${MAX_KEY_LENGTH} characters, got ${key.length}`
  if (CONTROL_CHARACTER.test(key))
    return 'expected a key, got control characters (the name of a packed file must end in .gz)'
  if (key !== key.trim()) return 'expected a key without spaces around it: with them it would be another key'
  if (SEPARATOR.test(key)) return `expected one key a line, got ${key.split(SEPARATOR).length} columns`
  if (known >= MAX_KEYS) return `more than ${MAX_KEYS.toLocaleString('en-US')} distinct keys`
  return undefined
}
