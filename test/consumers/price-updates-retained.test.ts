import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from '@jest/globals'
import { until } from '../harness/until.ts'
import { ConsumerStage, json, update } from './price-updates-stage.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const FETCH_BYTES = 1024 * 1024

/** A record whose key and value are slices of a response of 1 MiB, as from a fetch, and a weak reference to that. */
function fetched(pair: string) {
  const response = Buffer.alloc(FETCH_BYTES)
  const slice = (text: string, at: number) => response.subarray(at, at + response.write(text, at))
  const record = { key: slice('ethereum', 100), value: slice(String(json(update(pair)).value), 200) }
  return { record, response: new WeakRef(response.buffer) }
}

async function handle(stage: ConsumerStage, pair: string): Promise<WeakRef<ArrayBufferLike>> {
  const { record, response } = fetched(pair)
  await stage.handle(record)
  return response
}

test('a fetched response is not retained once the next one is handled, because new names are copied', async () => {
  const stage = new ConsumerStage()
  const responses: WeakRef<ArrayBufferLike>[] = []
  for (const pair of ['a', 'b', 'c', 'd']) responses.push(await handle(stage, pair))
  await until('the first three are collected', async () => {
    await nextTurn()
    collectGarbage()
    return responses.slice(0, -1).every((response) => response.deref() === undefined)
  })
  expect(stage.seen.map(({ pair }) => pair)).toEqual(['a', 'b', 'c', 'd'])
})
