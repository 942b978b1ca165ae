import type { PriceUpdate } from '../../../schemas/price-update.ts'
import { pairKey } from '../../../schemas/topics.ts'
import { LineFile } from '../../replay/source/lines.ts'
import { SimulationError } from '../simulation-error.ts'

/** Pairs that belong together: on the update of one, a detector reads the others. Pairs are numbered from 0. */
export interface Siblings {
  /** Pairs that have a number. */
  readonly pairs: number
  /** The number of the update's pair; undefined for an unknown pair. */
  idOf(update: PriceUpdate): number | undefined
  /** For each pair up to `max` others of its group, in the order of their numbers. */
  reads(max: number): readonly Int32Array[]
}

/** Siblings are the pairs of one chain whose updates carry the same `group`. Numbered by first appearance. */
export class GroupSiblings implements Siblings {
  readonly #ids = new Map<string, number>()
  readonly #groups = new Groups()

  get pairs(): number {
    return this.#ids.size
  }

  idOf({ chain, pair, group }: PriceUpdate): number {
    const key = pairKey(chain, pair)
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#ids.size
    this.#ids.set(key, id)
    this.#groups.add(group === undefined ? undefined : pairKey(chain, group))
    return id
  }

  reads(max: number): readonly Int32Array[] {
    return this.#groups.reads(max)
  }
}

const HEADER = 'pair,event'

/** Siblings are the pairs of one event in a file, whatever their chain. Numbered in the order of the file. */
export class EventSiblings implements Siblings {
  readonly #ids = new Map<string, number>()
  readonly #groups = new Groups()

  get pairs(): number {
    return this.#ids.size
  }

  idOf({ pair }: PriceUpdate): number | undefined {
    return this.#ids.get(pair)
  }

  reads(max: number): readonly Int32Array[] {
    return this.#groups.reads(max)
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
    if (this.#ids.has(pair)) return `column "pair": ${shown(pair)} is on an earlier line already`
    this.#ids.set(pair, this.#ids.size)
    this.#groups.add(event)
    return undefined
  }
}

/** Rejects with `no-such-file`, `corrupt-recording` or `bad-file`, naming file, line and column. */
export async function readEvents(path: string, signal?: AbortSignal): Promise<EventSiblings> {
  const siblings = new EventSiblings()
  for await (const lines of new LineFile(path).read(signal)) {
    for (const { text, isUtf8, number } of lines) {
      const line = text.trim()
      const against = number > 1 ? siblings.add(line) : headingProblem(line)
      const reason = against ?? (isUtf8 ? undefined : 'expected UTF-8, got other bytes')
      if (reason !== undefined) throw new SimulationError('bad-file', `${path}, line ${number}: ${reason}`)
    }
  }
  if (siblings.pairs === 0)
    throw new SimulationError('bad-file', `${path} has no pairs: expected ${HEADER} and a line for each`)
  return siblings
}

function headingProblem(line: string): string | undefined {
  return line === HEADER ? undefined : `expected the heading ${HEADER}, got ${shown(line)}`
}

/** The members of each group, and the group of each member. */
class Groups {
  readonly #members = new Map<string, number[]>()
  readonly #groupOf: (string | undefined)[] = []

  add(group: string | undefined): void {
    const id = this.#groupOf.length
    this.#groupOf.push(group)
    if (group === undefined) return
    const members = this.#members.get(group)
    if (members === undefined) this.#members.set(group, [id])
    else members.push(id)
  }

  reads(max: number): readonly Int32Array[] {
    return this.#groupOf.map((group, id) => {
      const members = group === undefined ? [] : (this.#members.get(group) ?? [])
      const first = members.slice(0, max + 1).filter((other) => other !== id)
      return Int32Array.from(first.slice(0, max))
    })
  }
}

const SHOWN_CHARACTERS = 60

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text)
}
