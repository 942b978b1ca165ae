import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createHttpServer } from '../../src/http/server.ts'
import { CERTIFICATE, KEY } from '../http/certificates.ts'
import { OPERATIONS, SEEN, SEEN_OUTWARD } from '../http/told-operations.ts'
import { forewarm } from './forewarm-process.ts'

const server = createHttpServer({ host: '127.0.0.1', port: 0, operations: OPERATIONS })
let port: number

beforeAll(async () => {
  port = (await server.start()).port
})
afterAll(() => server.close())

function get(pair: string, ...args: readonly string[]) {
  return forewarm(['get', pair, '--chain', SEEN.chain, ...args], { env: { METRICS_PORT: `${port}` } })
}

describe('forewarm get', () => {
  test('prints what the node of the settings knows of a price', async () => {
    const { code, stdout } = await get(SEEN.pair)
    expect(code).toBe(0)
    expect(stdout.split('\n').map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      `${SEEN.chain} ${SEEN.pair}`,
      'price 2000',
      'age 5 ms (1970-01-01T00:00:00.001Z)',
      'behind at most 7 ms',
      'version 4096',
      'level L1',
      'updates foreign: prices.ethereum/3',
      '',
    ])
  })

  test('prints the answer of the node at --url as JSON', async () => {
    const { stdout } = await forewarm(
      ['get', SEEN.pair, '--chain', 'base', '--json', '--url', `http://127.0.0.1:${port}`],
      {},
    )
    expect(JSON.parse(stdout)).toEqual({ ...SEEN_OUTWARD, chain: 'base' })
  })

  test('fails with the reason if there is no price, or no node', async () => {
    expect(await get('NONE')).toMatchObject({
      code: 1,
      stderr: `error: No price of ${SEEN.chain} NONE: no level has it (the pair is foreign)\n`,
    })
    expect(await get('NONE', '--url', 'http://127.0.0.1:1')).toMatchObject({
      code: 1,
      stderr: 'error: no node answers at http://127.0.0.1:1\n',
    })
  })

  test('refuses an address that is none', async () => {
    expect(await get('NONE', '--url', 'here')).toMatchObject({ code: 2, stderr: expect.stringContaining('got here') })
  })

  test('asks by HTTPS if the node of the settings has a certificate, with whichever token there is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'forewarm-get-'))
    const authority = join(folder, 'authority.pem')
    await writeFile(authority, CERTIFICATE)
    const secured = createHttpServer({
      ...{ host: '127.0.0.1', port: 0, operations: OPERATIONS },
      tls: { cert: CERTIFICATE, key: KEY },
    })
    try {
      const { port: METRICS_PORT } = await secured.start()
      const tls = { METRICS_TLS_CERT: CERTIFICATE, METRICS_TLS_KEY: KEY, NODE_EXTRA_CA_CERTS: authority }
      const env = { ...tls, METRICS_PORT: `${METRICS_PORT}`, FOREWARM_READ_TOKEN: 'battery-staple' }
      const { code, stdout } = await forewarm(['get', SEEN.pair, '--chain', SEEN.chain, '--json'], { env })
      expect([code, JSON.parse(stdout)]).toEqual([0, SEEN_OUTWARD])
      const { NODE_EXTRA_CA_CERTS: _, ...unknown } = env
      const untrusted = await forewarm(['get', SEEN.pair, '--chain', SEEN.chain], { env: unknown })
      expect(untrusted).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /no node answers at https:\S+ with a certificate that is trusted: .*NODE_EXTRA_CA_CERTS/,
        ),
      })
    } finally {
      await secured.close()
      await rm(folder, { recursive: true })
    }
  })
})
