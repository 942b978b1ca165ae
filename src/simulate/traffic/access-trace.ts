import { enlarged } from '../../enlarged.ts'
import { LineFile } from '../../replay/source/lines.ts'
import { SimulationError } from '../simulation-error.ts'

/** Recorded accesses in order; keys are numbered by first appearance. */
export interface AccessTrace {
  readonly name: string
  readonly accesses: Int32Array
  /** Distinct keys. */
  readonly keys: number
}

/** What a policy and a predictor keep for each key makes more of them a matter of gigabytes. */
const MAX_KEYS = 4_000_000
const FIRST_ACCESSES = 65_536
/** Nobody's key is longer; a file of such lines is something else. */
const MAX_KEY_LENGTH = 4_096
const CONTROL_CHARACTER = /[^\P{Cc}\t]/u
const SEPARATOR = /[,;\t]/

/**
 * One key a line, unpacked where the name ends in .gz. Rejects where there is no file (`no-such-file`), where it cannot
 * be unpacked to its end (`corrupt-recording`), and at the first line that is no key (`bad-file`), naming the line; and
 * with the signal's reason when it is aborted. A separator is taken for a column that should not be there: of whole lines
 * as keys, hardly two would be the same.
 */
export async function readAccesses(path: string, signal?: AbortSignal): Promise<AccessTrace> {
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
        const reason = refusal(key, idOf.size) ?? (isUtf8 ? undefined : 'expected a key in UTF-8, got other bytes')
        if (reason !== undefined) throw new SimulationError('bad-file', `${path}, line ${number}, column 1: ${reason}`)
        id = idOf.size
        idOf.set(key, id)
      }
      accesses[count++] = id
    }
  }
  if (count === 0) throw new SimulationError('bad-file', `${path} is empty: expected one key a line`)
  return { name: path, accesses: accesses.subarray(0, count), keys: idOf.size }
}

/** Why the text is no key. */
function refusal(key: string, known: number): string | undefined {
  if (key.trim() === '') return 'expected a key, got a blank line'
  if (key.length > MAX_KEY_LENGTH) return `expected a key of at most ${MAX_KEY_LENGTH} characters, got ${key.length}`
  if (CONTROL_CHARACTER.test(key)) return 'expected a key, got control characters (a packed file needs a name in .gz)'
  if (key !== key.trim()) return 'expected a key without spaces around it, which would make another key of it'
  if (SEPARATOR.test(key)) return `expected one key a line, got ${key.split(SEPARATOR).length} columns`
  if (known >= MAX_KEYS) return `more than ${MAX_KEYS.toLocaleString('en-US')} distinct keys`
  return undefined
}
