import { randomBytes } from 'node:crypto'

/** The Kafka of this test run. Throws if the run has none. */
export function kafkaBrokers(): string[] {
  return needed('KAFKA_BROKERS').split(',')
}

/** The Redis of this test run. Throws if the run has none. */
export function redisUrl(): string {
  return needed('REDIS_URL')
}

/** A name for a topic, group or key prefix that no other test or earlier run has used. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`
}

function needed(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set: run this test by \`npm test -- <file>\`, which starts what it needs`)
  }
  return value
}
