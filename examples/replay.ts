import { mkdirSync } from 'node:fs'
import { record, replay } from '../index.ts'

const topic = 'prices.example'
const file = 'recordings/example.ndjson.gz'
mkdirSync('recordings', { recursive: true })

const recorded = await record({ topics: [topic], file, replace: true })
console.log(`recorded ${recorded.records} records of ${topic}, state hash ${recorded.stateHash}`)

// Into this process, at full speed, to check that the file still holds the recorded prices. `forewarm replay
// --in-process` checks more: that a node ends with the same prices.
let records = 0
const inProcess = { apply: () => void records++ }
const again = await replay({ from: { file }, to: { inProcess }, verifyHash: true })
console.log(`${records} records again, ${again.hashMatches ? 'the same state' : 'ANOTHER STATE'}`)

// From the topic into another one, at ten times the recorded speed.
const copy = await replay({ from: { topic, since: '2026-07-10T00:00Z' }, to: { topicPrefix: 'test.' }, speed: 10 })
for (const target of copy.targets) console.log(`${target.records} records into ${target.topic}`)
