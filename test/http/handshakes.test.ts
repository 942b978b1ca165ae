import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { Handshakes } from '../../src/http/connections/handshakes.ts'

/** All that Handshakes needs of a connection. */
function sockets(count: number): readonly Socket[] {
  return Array.from({ length: count }, () => new PassThrough() as unknown as Socket)
}

describe('handshakes', () => {
  test('begin one by one, each in a turn of the event loop of its own, the newest first', async () => {
    const begun: Socket[] = []
    const handshakes = new Handshakes((socket) => begun.push(socket), 8)
    const [first, second, third] = sockets(3) as [Socket, Socket, Socket]
    for (const socket of [first, second, third]) handshakes.add(socket)
    expect(begun).toEqual([])
    const counts: number[] = []
    for (let turn = 0; turn < 4; turn++) {
      await nextTurn()
      counts.push(begun.length)
    }
    expect(counts).toEqual([1, 2, 3, 3])
    expect(begun.map((socket) => [first, second, third].indexOf(socket))).toEqual([2, 1, 0])
  })

  test('pass over connections that are closed meanwhile, and go on with those that come later', async () => {
    const begun: Socket[] = []
    const handshakes = new Handshakes((socket) => begun.push(socket), 8)
    const [gone, left, late] = sockets(3) as [Socket, Socket, Socket]
    handshakes.add(left)
    handshakes.add(gone)
    gone.destroy(new Error('reset'))
    await nextTurn()
    handshakes.add(late)
    await nextTurn()
    expect(begun).toEqual([left, late])
  })

  test('close the connection that has waited longest if too many wait, and all of them at the end', () => {
    const handshakes = new Handshakes(() => undefined, 2)
    const all = sockets(3)
    for (const socket of all) handshakes.add(socket)
    expect(all.map(({ destroyed }) => destroyed)).toEqual([true, false, false])
    handshakes.closeAll()
    expect(all.map(({ destroyed }) => destroyed)).toEqual([true, true, true])
  })
})
