import { expect, test } from '@jest/globals'
import { WarmRequests } from '../../consumers/warm-requests.ts'
import { encodeWarmRequest } from '../../schemas/warm-request.ts'
import type { WarmResult } from '../../schemas/warm-result.ts'
import { request, WarmerUnderTest } from '../warming/warmer-under-test.ts'
import { batchOf } from './batch.ts'

test('a warm request that fails by a bug is reported with the error, and the next one is answered', async () => {
  const { warmer, promotions, metrics } = new WarmerUnderTest()
  const results: WarmResult[] = []
  const faults: unknown[] = []
  const requests = new WarmRequests({
    ...{ warmer, metrics },
    publish: (result) => results.push(result),
    onFault: (error) => faults.push(error),
  })
  const records = [request(), request({ requestId: 'good' })].map((each) => ({ value: encodeWarmRequest(each) }))
  const batch = batchOf(records)
  promotions.error = new Error('a bug')
  requests.handle(batch, 0)
  await requests.answered()
  promotions.error = undefined
  requests.handle(batch, 1)
  await requests.answered()
  expect(faults).toEqual([new Error('a bug')])
  expect(results).toMatchObject([{ requestId: 'good', status: 'done' }])
})
