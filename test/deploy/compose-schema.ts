/**
 * What the compose file may contain: a strict subset of the Compose specification. A key that is misspelt or in the
 * wrong place is found without a container engine.
 */
type Check = (value: unknown, path: string) => string[]

const DURATION = /^\d+(ms|s|m|h)$/
/** A version with at least two numbers, or a digest: `latest` or a major version alone may change at any time. */
const PINNED = /^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?$|@sha256:[0-9a-f]{64}$/
const LOOPBACK_PORT = /^127\.0\.0\.1:\d{1,5}:\d{1,5}$/

/** Everything that is wrong with a parsed compose file, each with its path. */
export function composeProblems(document: unknown): string[] {
  const problems = composeFile(document, 'compose')
  return problems.length > 0 ? problems : undeclaredVolumes(document)
}

const healthcheck = object({
  required: { test: command, interval: matching(DURATION), timeout: matching(DURATION), retries: count },
  optional: { start_period: matching(DURATION), start_interval: matching(DURATION) },
})

const common = {
  command: listOf(text),
  environment: mapOf(text),
  ports: listOf(matching(LOOPBACK_PORT)),
  volumes: listOf(matching(/^([a-z][a-z-]*:\/[a-z/]+|\.\/deploy\/[a-z/]+:\/[a-z/]+:ro)$/)),
  profiles: listOf(matching(/^service$/)),
  depends_on: mapOf(
    object({ required: { condition: matching(/^service_(started|healthy|completed_successfully)$/) }, optional: {} }),
  ),
}

const pulled = object({ required: { image: matching(PINNED), ports: common.ports, healthcheck }, optional: common })

/** The image that is built has a health check of its own. */
const built = object({
  required: {
    build: object({ required: { context: text, dockerfile: text }, optional: {} }),
    image: matching(PINNED),
  },
  optional: {
    ...common,
    healthcheck: object({ required: { disable: truth }, optional: {} }),
    init: truth,
    restart: matching(/^(no|unless-stopped)$/),
    stop_grace_period: matching(DURATION),
  },
})

const service: Check = (value, path) => (isObject(value) && 'build' in value ? built : pulled)(value, path)

const composeFile = object({
  required: { name: text, services: mapOf(service) },
  optional: { volumes: mapOf(object({ required: {}, optional: {} })), 'x-node': service },
})

function undeclaredVolumes(document: unknown): string[] {
  const { services, volumes = {} } = document as {
    services: Record<string, { volumes?: string[] }>
    volumes?: Record<string, unknown>
  }
  return Object.entries(services).flatMap(([name, { volumes: used = [] }]) =>
    used
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((volume) => !volume.startsWith('./'))
      .filter((volume) => !(volume in volumes))
      .map((volume) => `compose.services.${name}.volumes: ${volume} is not declared`),
  )
}

function object(keys: { required: Record<string, Check>; optional: Record<string, Check> }): Check {
  const known: Record<string, Check> = { ...keys.required, ...keys.optional }
  return (value, path) => {
    if (!isObject(value)) return [`${path}: not an object`]
    const missing = Object.keys(keys.required).filter((key) => !(key in value))
    const found = Object.entries(value).flatMap(([key, inner]) => {
      const check = known[key]
      return check === undefined ? [`${path}.${key}: unknown key`] : check(inner, `${path}.${key}`)
    })
    return [...missing.map((key) => `${path}.${key}: missing`), ...found]
  }
}

function mapOf(check: Check): Check {
  return (value, path) =>
    isObject(value)
      ? Object.entries(value).flatMap(([key, inner]) => check(inner, `${path}.${key}`))
      : [`${path}: not an object`]
}

function listOf(check: Check): Check {
  return (value, path) =>
    Array.isArray(value) ? value.flatMap((inner, i) => check(inner, `${path}[${i}]`)) : [`${path}: not a list`]
}

function matching(pattern: RegExp): Check {
  return (value, path) => (typeof value === 'string' && pattern.test(value) ? [] : [`${path}: ${value} is not allowed`])
}

/** Numbers and booleans must be quoted, as YAML and Compose read them differently. */
function text(value: unknown, path: string): string[] {
  return typeof value === 'string' ? [] : [`${path}: not text`]
}

function truth(value: unknown, path: string): string[] {
  return value === true ? [] : [`${path}: not true`]
}

function count(value: unknown, path: string): string[] {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? [] : [`${path}: not a count`]
}

function command(value: unknown, path: string): string[] {
  const [how, program] = Array.isArray(value) ? value : []
  const runs = (how === 'CMD' || how === 'CMD-SHELL') && typeof program === 'string'
  return runs ? listOf(text)(value, path) : [`${path}: not [CMD, program, …]`]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
