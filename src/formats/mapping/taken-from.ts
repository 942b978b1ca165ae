import type { PriceRefusal, Refused } from '../../../schemas/refusal.ts'
import type { Mapping, NumberOf, Place } from './mapping.ts'

/** The field that a refusal is about, if what it says of the field alone leaves open where the mapping looked. */
const FIELD_OF: Partial<Record<PriceRefusal, 'pair' | 'chain' | 'price' | 'eventTimeMs'>> = {
  'missing-pair': 'pair',
  'missing-chain': 'chain',
  'missing-price': 'price',
  'missing-event-time': 'eventTimeMs',
  'event-time-zero': 'eventTimeMs',
  'event-time-seconds': 'eventTimeMs',
  'event-time-microseconds': 'eventTimeMs',
  'event-time-nanoseconds': 'eventTimeMs',
  'event-time-future': 'eventTimeMs',
}

/** The refusal with the place from which the mapping takes the field. */
export function withPlace(against: Refused, { fields }: Mapping): Refused {
  const field = FIELD_OF[against.reason]
  const of = field && fields[field]
  if (of === undefined) return against
  const unit = 'unit' in of && of.unit !== 'iso' ? `, in ${of.unit}` : ''
  return { ...against, detail: `${against.detail}; the mapping takes it from ${placesText(of)}${unit}` }
}

function placesText(of: NumberOf | { readonly place: Place }): string {
  return 'mid' in of ? of.mid.map(({ place }) => placeText(place)).join(' and ') : placeText(of.place)
}

function placeText(place: Place): string {
  switch (place.from) {
    case 'item':
      return place.path.join('.')
    case 'outer':
      return `${place.path.join('.')} of the records around it`
    case 'const':
      return `the const ${place.value}`
    case 'topic':
      return place.group === '' ? 'the topic' : `the group ${place.group} of the topic's name`
    case 'key':
      return 'the key'
    case 'header':
      return `the header ${place.name}`
    case 'timestamp':
      return 'the timestamp'
  }
}
