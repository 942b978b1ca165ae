import { expect, it } from '@jest/globals'
import { isRefusal, restMs, retryMs } from '../../../../src/cache/l2/redis/tracked-server.ts'

it('connections that come to nothing are made again within half a second', () => {
  expect([1, 2, 3, 4, 5, 2_000].map(retryMs)).toEqual([50, 100, 200, 400, 500, 500])
})

it('the first loss of the connections for tracked reads is mended at once, and further ones more and more slowly', () => {
  expect([0, 1, 2, 3, 4, 6, 7, 100].map(restMs)).toEqual([0, 0, 250, 500, 1_000, 4_000, 5_000, 5_000])
})

it('an answer that Redis cannot do something yet, and a connection that closes, are no refusal', () => {
  const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' })
  const texts = ['NOPERM no', "ERR unknown command 'CLIENT'", 'READONLY no', 'LOADING yet', 'CLUSTERDOWN yet']
  expect(texts.map((text) => isRefusal(reply(text)))).toEqual([true, true, true, false, false])
  expect(isRefusal(new Error('Connection is closed.'))).toBe(false)
})
