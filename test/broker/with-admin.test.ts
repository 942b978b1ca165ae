import { expect, test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import type { Admin } from '../../src/broker/port.ts'
import { withAdmin } from '../../src/broker/with-admin.ts'

test('a lent admin is connected, and closed once its borrower is done', async () => {
  const broker = createMemoryBroker({ partitions: { t: 3 } })
  let lent: Admin | undefined
  const partitions = await withAdmin(broker, (admin) => {
    lent = admin
    return admin.partitions('t')
  })
  expect(partitions).toBe(3)
  await expect(lent?.topics()).rejects.toMatchObject({ code: 'closed' })
})

test('a lent admin is closed though its borrower fails', async () => {
  let lent: Admin | undefined
  const borrowed = withAdmin(createMemoryBroker(), (admin) => {
    lent = admin
    return Promise.reject(new Error('no such topic'))
  })
  await expect(borrowed).rejects.toThrow('no such topic')
  await expect(lent?.topics()).rejects.toMatchObject({ code: 'closed' })
})
