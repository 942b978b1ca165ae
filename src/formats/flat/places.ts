import { checkedName } from '../../../schemas/price-object.ts'
import { NUMBER_FIELDS } from '../../../schemas/price-update.ts'
import type { Mapping, NameOf, NumberOf, Place, PlainNumber } from '../mapping/mapping.ts'
import type { Path } from '../path.ts'
import type { TopicGroups } from '../scope.ts'
import type { RowFields } from './flat-row.ts'

/** A value that is asked for, and its place. */
export interface AskedValue {
  readonly path: Path
  readonly at: number
  readonly kind: 'name' | 'number' | 'time'
  /** Digits behind the point that the mapping adds. */
  readonly scale: number
}

/** Gives places to the values that a mapping asks for. */
export class Places {
  readonly asked: AskedValue[] = []
  readonly #topic: string
  readonly #groups: TopicGroups
  #isUnfit = false
  count = 0

  constructor(topic: string, groups: TopicGroups) {
    this.#topic = topic
    this.#groups = groups
  }

  /** Undefined if the mapping asks for more than a row has. */
  fieldsOf({ fields, extra }: Mapping): Omit<RowFields, 'places' | 'timeFactor' | 'timeDivisor'> | undefined {
    const { pair, chain, group, price, eventTimeMs: time, sequence } = fields
    if (pair === undefined || chain === undefined || price === undefined || time?.place.from !== 'item')
      return undefined
    const groupPlace = group === undefined ? undefined : this.#name(group, 'pair')
    const found = {
      pair: this.#name(pair, 'pair'),
      chain: this.#name(chain, 'chain'),
      numbers: Int32Array.from(NUMBER_FIELDS, (field) =>
        field === 'price' && 'mid' in price ? -1 : this.#number(fields[field]),
      ),
      mid: 'mid' in price ? ([this.#number(price.mid[0]), this.#number(price.mid[1])] as const) : undefined,
      sequence: this.#number(sequence),
      time: this.#place(time.place.path, 'time', 0),
    }
    if (this.#isUnfit || extra.length > 0 || typeof groupPlace === 'string') return undefined
    return { ...found, group: groupPlace }
  }

  #name({ place, case: toCase, aliases }: NameOf, field: 'pair' | 'chain'): string | number {
    if (toCase !== undefined || aliases.size > 0) return this.#unfit()
    if (place.from === 'item') return this.#place(place.path, 'name', 0)
    const name = this.#nameOfAll(place)
    // One that the checks refuse is left to the exact reading, which says so.
    return typeof name === 'string' && checkedName(name, field) === undefined ? name : this.#unfit()
  }

  /** The name that all records of the topic have. */
  #nameOfAll(place: Place): unknown {
    if (place.from === 'const') return place.value
    if (place.from !== 'topic') return undefined
    return place.group === '' ? this.#topic : this.#groups[place.group]
  }

  #number(of: NumberOf | undefined): number {
    if (of === undefined) return -1
    if ('mid' in of || !isPlain(of) || of.place.from !== 'item') return this.#unfit()
    return this.#place(of.place.path, 'number', of.scale)
  }

  /** What two fields ask for has one place, if both ask for the same of it. */
  #place(path: Path, kind: AskedValue['kind'], scale: number): number {
    const known = this.asked.find((each) => each.path.join('\0') === path.join('\0'))
    if (known !== undefined) return known.kind === kind && known.scale === scale ? known.at : this.#unfit()
    this.asked.push({ path, at: this.count, kind, scale })
    return this.count++
  }

  #unfit(): number {
    this.#isUnfit = true
    return -1
  }
}

function isPlain({ integer, exponent, scale }: PlainNumber): boolean {
  return integer === undefined && exponent === undefined && scale >= 0
}
