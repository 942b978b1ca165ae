import { isUtf8 } from 'node:buffer'
import { checkedLength } from '../../schemas/price-record.ts'
import { refused } from '../../schemas/refusal.ts'
import type { PairIds, UpdateColumns } from '../../schemas/update-columns.ts'
import type { KafkaRecord } from '../kafka-record.ts'
import { flatFieldsOf } from './flat/fields.ts'
import { FlatJson } from './flat/flat-json.ts'
import { type Decoded, type Format, SKIPPED } from './format.ts'
import { MappedReader } from './mapped-reader.ts'
import type { Mapping } from './mapping/mapping.ts'
import type { TopicGroups } from './scope.ts'

/** Reads JSON records by a mapping. */
export class JsonFormat implements Format {
  readonly name: string
  readonly #reader: MappedReader
  /** Undefined if the mapping says more than names of members. */
  readonly #flat: FlatJson | undefined

  constructor(
    name: string,
    mapping: Mapping,
    { topic, groups }: { readonly topic: string; readonly groups: TopicGroups },
  ) {
    this.name = name
    this.#reader = new MappedReader(mapping, groups)
    const flat = flatFieldsOf(mapping, topic, groups)
    this.#flat = flat && new FlatJson(flat, mapping.zeroIsAbsent)
  }

  decodeFast(value: Buffer, columns: UpdateColumns, ids: PairIds): boolean {
    return checkedLength(value) === undefined && (this.#flat?.decode(value, columns, ids) ?? false)
  }

  decode(record: KafkaRecord): Decoded {
    if (record.value === undefined) return this.#reader.tombstone(record)
    const said = this.#decodeValue(record, record.value)
    if (said.ok && said.updates.length === 1) this.#flat?.learn(record.value)
    return said
  }

  #decodeValue(record: KafkaRecord, value: Buffer): Decoded {
    const against = checkedLength(value)
    if (against !== undefined) return against
    // Decoding other bytes would turn different names into the same one.
    if (!isUtf8(value)) return refused('not-json', 'expected UTF-8, got other bytes')
    const root = this.#reader.parsed(value.toString('utf8'))
    if ('skips' in root) return SKIPPED
    return 'ok' in root ? root : this.#reader.read(record, root.value)
  }
}
