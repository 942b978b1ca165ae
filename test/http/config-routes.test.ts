import { afterEach, describe, expect, test } from '@jest/globals'
import type { AskedConfig, ConfigOutcome } from '../../src/http/config-operations.ts'
import { closeAll, started } from './callers.ts'
import { OPERATIONS, SET_CONFIG } from './told-operations.ts'

afterEach(closeAll)

interface Answer {
  readonly status: number
  readonly etag: string | null
  readonly body: object
}

const { atMs, ...named } = SET_CONFIG
const IN_FORCE = { ...named, at_ms: atMs }

/** Asks a node whose settings are set with this outcome; `asked` is what it was asked for. */
async function put(outcome: ConfigOutcome, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const asked: AskedConfig[] = []
  const set = async (each: AskedConfig) => {
    asked.push(each)
    return outcome
  }
  const port = await started({ operations: { ...OPERATIONS, config: { ...OPERATIONS.config, set } } })
  const response = await fetch(`http://127.0.0.1:${port}/config`, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers,
  })
  return { asked, answer: await answerOf(response) }
}

async function answerOf(response: Response): Promise<Answer> {
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    body: (await response.json()) as object,
  }
}

describe('/config', () => {
  test('shows each setting, whether it can change, and what was set for all nodes', async () => {
    const response = await fetch(`http://127.0.0.1:${await started()}/config`)
    expect(await answerOf(response)).toEqual({
      status: 200,
      etag: '"3"',
      body: {
        ...IN_FORCE,
        settings: [
          { name: 'WARMING_MAX_PAIRS', value: '4', origin: 'control', changes: 'while_running' },
          ...[
            { name: 'METRICS_PORT', value: '0', origin: 'argument', changes: 'at_start', reason: 'the port is open' },
          ],
        ],
      },
    })
  })

  test('takes values for all nodes, with who asks, why, and the version that was seen', async () => {
    const body = { settings: { WARMING_MAX_PAIRS: 2 }, by: 'ben', reason: 'load' }
    const { asked, answer } = await put({ status: 'set' }, body, { 'if-match': '"3"' })
    expect(asked).toEqual([{ set: { WARMING_MAX_PAIRS: 2 }, by: 'ben', reason: 'load', base: 3 }])
    expect(answer).toMatchObject({ status: 200, etag: '"3"', body: IN_FORCE })
  })

  test.each([undefined, '*'])('goes by whichever version is in force with If-Match %j', async (ifMatch) => {
    const headers: Record<string, string> = ifMatch === undefined ? {} : { 'if-match': ifMatch }
    const { asked } = await put({ status: 'set' }, { settings: {} }, headers)
    expect(asked).toEqual([{ set: {}, by: 'a caller over HTTP', base: undefined }])
  })

  test('answers the slower one of two operators with 409 and the winner', async () => {
    const { answer } = await put({ status: 'lost', winner: SET_CONFIG }, { settings: {} }, { 'if-match': '"2"' })
    expect(answer).toMatchObject({
      status: 409,
      etag: '"3"',
      body: { detail: 'Another operator was faster: version 3 is in force', winner: IN_FORCE },
    })
  })

  test('names each setting that cannot change, and why', async () => {
    const problems = [
      {
        setting: 'METRICS_PORT',
        origin: 'control',
        received: 'a change',
        allowed: 'a value at start alone: it is open',
      },
      { setting: 'NO/SUCH', origin: 'control', received: 'an unknown name', allowed: 'the name of a setting' },
    ] as const
    const { answer } = await put({ status: 'refused', problems }, { settings: { METRICS_PORT: 1 } })
    expect(answer).toMatchObject({
      status: 400,
      body: {
        errors: [
          { pointer: '#/settings/METRICS_PORT', detail: 'got a change; allowed: a value at start alone: it is open' },
          { pointer: '#/settings/NO~1SUCH', detail: 'got an unknown name; allowed: the name of a setting' },
        ],
      },
    })
  })

  test('says that Kafka did not take them', async () => {
    const { answer } = await put({ status: 'failed', reason: 'no broker' }, { settings: {} })
    expect(answer).toMatchObject({ status: 503, body: { detail: 'The settings could not be set: no broker' } })
  })

  test.each([
    ['a version that is none', { settings: {} }, { 'if-match': 'W/"3"' }, 'If-Match: expected the ETag'],
    ['no settings', {}, {}, 'settings: expected an object of values by the names of their settings, got nothing'],
    ['a list', { settings: [] }, {}, 'settings: expected an object of values'],
    ['another member', { settings: {}, mode: 'full' }, {}, 'mode'],
  ])('refuses %s, and sets nothing', async (_, body, headers, detail) => {
    const { asked, answer } = await put({ status: 'set' }, body, headers)
    expect([asked, answer.status]).toEqual([[], 400])
    expect(answer.body).toMatchObject({ detail: expect.stringContaining(detail) })
  })
})
