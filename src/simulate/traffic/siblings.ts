import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { pairKey } from '../../../schemas/topics.ts'
import type { OnBadLine } from '../../replay/source/bad-line.ts'
import { LineFile } from '../../replay/source/lines.ts'
import { SimulationError } from '../simulation-error.ts'
import { endAtBadLine } from './recorded-updates.ts'

/** Pairs that belong together: on the update of one, a detector reads the others. Pairs are numbered from 0. */
export interface Siblings {
  /** Pairs that have a number. */
  readonly pairs: number
  /** What the pairs are called, by their numbers. */
  readonly names: readonly string[]
  /** The number of the update's pair; undefined for an unknown pair. */
  idOf(update: PriceUpdate): number | undefined
  /** For each pair up to `max` others of its group, in the order of their numbers. */
  reads(max: number): readonly Int32Array[]
}

/** Numbers keys from 0, and knows the group of each. */
class Groups {
  readonly #ids = new Map<string, number>()
  readonly #groupOf: (string | undefined)[] = []

  get pairs(): number {
    return this.#ids.size
  }

  get names(): readonly string[] {
    return [...this.#ids.keys()]
  }

  reads(max: number): readonly Int32Array[] {
    const members = Map.groupBy(this.#groupOf.keys(), (id) => this.#groupOf[id])
    return this.#groupOf.map((group, id) => {
      const others = group === undefined ? [] : (members.get(group) ?? [])
      const first = others.slice(0, max + 1).filter((other) => other !== id)
      return Int32Array.from(first.slice(0, max))
    })
  }

  protected find(key: string): number | undefined {
    return this.#ids.get(key)
  }

  /** Returns the number of a new key. */
  protected put(key: string, group: string | undefined): number {
    this.#ids.set(key, this.#ids.size)
    return this.#groupOf.push(group) - 1
  }
}

/** Siblings are the pairs of one chain whose updates carry the same `group`. Numbered by first appearance. */
export class GroupSiblings extends Groups implements Siblings {
  idOf({ chain, pair, group }: PriceUpdate): number {
    const key = pairKey(chain, pair)
    return this.find(key) ?? this.put(key, group === undefined ? undefined : pairKey(chain, group))
  }
}

const HEADER = 'pair,event'

/** Siblings are the pairs of one event in a file, whatever their chain. Numbered in the order of the file. */
export class EventSiblings extends Groups implements Siblings {
  idOf({ pair }: PriceUpdate): number | undefined {
    return this.find(pair)
  }

  /** Takes a line of the file; if it cannot, says why. */
  add(line: string): string | undefined {
    const [pair = '', event = '', ...more] = line.split(',').map((cell) => cell.trim())
    for (const [column, name] of Object.entries({ pair, event })) {
      if (name === '') return `column "${column}": expected a name, got nothing`
      if (name.startsWith('"')) return `column "${column}": expected a name without quotes, got ${shown(name)}`
    }
    if (more.length > 0) return `column 3: expected two columns, got ${more.length + 2}`
    if (line === HEADER) return `expected a pair and its event, got the heading ${HEADER} again`
    if (this.find(pair) !== undefined) return `column "pair": ${shown(pair)} is on an earlier line already`
    this.put(pair, event)
    return undefined
  }
}

/** Rejects with `no-such-file`, `corrupt-recording` or `bad-file`, naming file, line and column. */
export async function readEvents(
  path: string,
  signal?: AbortSignal,
  onBadLine: OnBadLine = endAtBadLine,
): Promise<EventSiblings> {
  const siblings = new EventSiblings()
  for await (const lines of new LineFile(path).read(signal)) {
    for (const { text, isUtf8, number } of lines) {
      const line = text.trim()
      const isHeading = number === 1
      const noText = isUtf8 ? undefined : 'expected UTF-8, got other bytes'
      const reason =
        (isHeading ? headingProblem(line) : undefined) ?? noText ?? (isHeading ? undefined : siblings.add(line))
      if (reason === undefined) continue
      const bad = { file: path, line: number, column: undefined, reason: 'bad-row', detail: reason }
      // Without its heading, the file is something else.
      if (isHeading) endAtBadLine(bad)
      onBadLine(bad)
    }
  }
  if (siblings.pairs === 0)
    throw new SimulationError('bad-file', `${path} has no pairs: expected ${HEADER} and a line for each`)
  return siblings
}

function headingProblem(line: string): string | undefined {
  return line === HEADER ? undefined : `expected the heading ${HEADER}, got ${shown(line)}`
}

const SHOWN_CHARACTERS = 60

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text)
}
