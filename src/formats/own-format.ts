import { tombstonePair } from '../../schemas/price-object.ts'
import { decodePriceRecord } from '../../schemas/price-record.ts'
import type { KafkaRecord } from '../kafka-record.ts'
import type { Decoded, Format } from './format.ts'

/** Our own format, record by record, for those who look at a few. */
export const OWN_FORMAT: Format = {
  name: 'forewarm',
  decode({ key, value }: KafkaRecord): Decoded {
    if (value === undefined) {
      const named = tombstonePair(key)
      return 'ok' in named ? named : { ok: true, updates: [], deleted: [named], skipped: 0, rounded: 0 }
    }
    const read = decodePriceRecord(value)
    if (!read.ok) return read
    return { ok: true, updates: read.updates, deleted: [], skipped: 0, rounded: read.rounded ?? 0 }
  },
}
