import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { type Paced, Turns } from '../../src/http/connections/turns.ts'

/** Asks for its next piece as often as it is told to. */
function asking(turns: Turns, { name, steps, log }: { name: string; steps: number; log: string[] }): Paced {
  let left = steps
  const paced: Paced = {
    isUrgent: name === 'probe',
    destroy: () => undefined,
    step() {
      log.push(name)
      if (--left > 0) turns.ask(paced)
    },
  }
  return paced
}

describe('turns', () => {
  test('go round: nobody has a second piece before all have had one', async () => {
    const turns = new Turns()
    const log: string[] = []
    for (const name of ['a', 'b', 'c']) turns.ask(asking(turns, { name, steps: 3, log }))
    while (log.length < 9) await turn()
    expect(log.join('')).toBe('abcabcabc')
  })

  test('let a probe go before all that wait, and let one of them go with each probe', async () => {
    const turns = new Turns()
    const log: string[] = []
    for (let i = 0; i < 50; i++) turns.ask(asking(turns, { name: 'other', steps: 1, log }))
    turns.ask(asking(turns, { name: 'probe', steps: 2, log }))
    while (log.length < 52) await turn()
    expect(log.slice(0, 4)).toEqual(['probe', 'other', 'probe', 'other'])
  })

  test('leave out who has gone, and count asking twice once', async () => {
    const turns = new Turns()
    const log: string[] = []
    const [gone, twice] = ['gone', 'twice'].map((name) => asking(turns, { name, steps: 1, log })) as [Paced, Paced]
    for (const paced of [gone, twice, twice]) turns.ask(paced)
    turns.forget(gone)
    while (log.length === 0) await turn()
    await turn()
    expect(log).toEqual(['twice'])
  })

  test('close a connection whose step throws, and go on with the others', async () => {
    const turns = new Turns()
    const log: string[] = []
    const closed: Error[] = []
    const fault = new Error('of ours')
    const faulty: Paced = {
      isUrgent: false,
      destroy: (error) => closed.push(error),
      step() {
        throw fault
      },
    }
    for (const paced of [faulty, asking(turns, { name: 'other', steps: 2, log })]) turns.ask(paced)
    while (log.length < 2) await turn()
    expect(closed).toEqual([fault])
  })
})
