import { type RecordFields, recordFormat } from '../record-fields.ts'
import { type Refused, refused } from '../refusal.ts'
import { KEY_SEPARATOR } from '../topics.ts'

/** Who set a value, when (milliseconds since 1970) and why. */
export interface ControlAct {
  /** It grows with each value that was set. If two operators set the same one, the first to be stored has won. */
  readonly version: number
  readonly by: string
  readonly atMs: number
  readonly reason?: string
  readonly value: Readonly<Record<string, unknown>>
}

/** What operators have set: the newest value of one setting of a service, which its nodes follow. */
export interface ControlRecord extends ControlAct {
  readonly v: 1
  /** Tells the record from another of the same version. */
  readonly id: string
  /** It takes effect even if another of its version came first. */
  readonly forced?: boolean
  /** Its version when it was set, if it was written again since: whoever has seen that one has seen this record. */
  readonly setAs?: number
  /** The values before it, the newest first. */
  readonly past?: readonly ControlAct[]
}

/** The most values before the newest that a record tells of. */
export const MAX_PAST = 20
/** The last version: a double counts further. Records of this version take effect as they come, so that it ends nothing. */
export const MAX_VERSION = 2 ** 40
const MAX_ID_BYTES = 128
const MAX_BY_CHARS = 200
const MAX_REASON_CHARS = 500

export const { parse: parseControl, encode: encodeControl } = recordFormat(read)

function read(fields: RecordFields): ControlRecord {
  return {
    v: 1,
    id: fields.name('id', MAX_ID_BYTES),
    ...readAct(fields),
    ...(fields.has('forced') && { forced: fields.flag('forced') }),
    ...(fields.has('setAs') && { setAs: fields.count('setAs', MAX_VERSION) }),
    ...(fields.has('past') && { past: fields.objects('past', MAX_PAST, readAct) }),
  }
}

function readAct(fields: RecordFields): ControlAct {
  return {
    version: fields.count('version', MAX_VERSION),
    by: fields.text('by', MAX_BY_CHARS),
    atMs: fields.timeMs('atMs'),
    ...(fields.has('reason') && { reason: fields.text('reason', MAX_REASON_CHARS) }),
    value: fields.object('value'),
  }
}

export function controlKey(service: string, setting: string): string {
  return service + KEY_SEPARATOR + setting
}

/** The setting that the key names; a refusal for a key of another service, or of no setting. */
export function settingOfKey(key: Buffer | undefined, service: string): string | Refused<'bad-key' | 'other-service'> {
  const [of = '', setting = '', ...more] = key?.toString('utf8').split(KEY_SEPARATOR) ?? []
  if (of === '' || setting === '' || more.length > 0)
    return refused('bad-key', 'expected a service and a setting, joined by NUL')
  return of === service ? setting : refused('other-service', `expected ${service}, got ${of}`)
}
