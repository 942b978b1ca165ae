/** What a user's own tests need: everything in this process, on a clock that the records move. */

// Brokers, clocks and hashes for tests.
export { createMemoryBroker, type MemoryBroker, type MemoryBrokerOptions } from './src/broker/memory/broker.ts'
export { type Clock, systemClock, type VirtualClock, virtualClock } from './src/clock.ts'
export { createStateHash, type PriceOutcome, type StateHash, type StateValue } from './src/replay/state-hash.ts'
// Tests of your own.
export { expectStrategy, type StrategyTrial, strategyFaults } from './standalone/strategy-trial.ts'
export { expectWarmed, type ReplayFileOptions, replayFile } from './standalone/testing.ts'
