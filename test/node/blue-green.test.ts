import { test } from '@jest/globals'
import { createMemoryBroker } from '../../src/broker/memory/broker.ts'
import { blueGreen } from './blue-green.ts'
import { onStage } from './stage.ts'

test('two services over one broker leave each other alone, and the new one takes over what the old one has learned', async () => {
  await onStage({ broker: createMemoryBroker() }, (stage) => blueGreen(stage, 'ethereum'))
})
