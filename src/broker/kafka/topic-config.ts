import type { Cluster } from './wire/cluster.ts'
import { assertNoError, type WireRequest } from './wire/connection.ts'

const DESCRIBE_CONFIGS = { apiKey: 32, version: 1 } as const
const TOPIC = 2

type Settings = ReadonlyMap<string, string>

/**
 * The topic's settings, those by default included. Any broker tells: KafkaJS would ask for the metadata of the whole cluster
 * first, and fail while some partition of some topic has no leader.
 */
export async function topicConfigOf(
  cluster: Pick<Cluster, 'anyone'>,
  topic: string,
  names: readonly string[],
): Promise<Settings> {
  const { error, settings } = await (await cluster.anyone()).send(describeConfigsRequest(topic, names))
  assertNoError(error)
  return settings
}

interface Described {
  /** 0, or the protocol's code. */
  readonly error: number
  readonly settings: Settings
}

function describeConfigsRequest(topic: string, names: readonly string[]): WireRequest<Described> {
  return {
    apiKey: DESCRIBE_CONFIGS.apiKey,
    apiName: 'DescribeConfigs',
    version: DESCRIBE_CONFIGS.version,
    isFlexible: false,
    bytes: 16 + 3 * topic.length + names.reduce((sum, name) => sum + 2 + 3 * name.length, 0),
    encode: (writer) => {
      writer.int32(1)
      writer.int8(TOPIC)
      writer.string(topic)
      writer.int32(names.length)
      for (const name of names) writer.string(name)
      const withSynonyms = 0
      writer.int8(withSynonyms)
    },
    decode: (reader) => {
      const throttleMs = reader.int32()
      const [answer = { error: 0, settings: new Map() }] = reader.array(() => {
        const error = reader.int16()
        reader.nullableString()
        reader.int8()
        reader.string()
        const settings = reader.array(() => {
          const setting = [reader.string(), reader.nullableString() ?? ''] as const
          // Read-only, its source, and whether it is a secret.
          for (let fact = 0; fact < 3; fact++) reader.int8()
          reader.array(() => {
            reader.string()
            reader.nullableString()
            return reader.int8()
          })
          return setting
        })
        return { error, settings: new Map(settings) }
      })
      return { throttleMs, answer }
    },
  }
}
